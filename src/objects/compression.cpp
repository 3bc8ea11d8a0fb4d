#include "objects/compression.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <new>

#include "core/error.h"

namespace gsv3d {

std::string compress(std::string_view bytes, int level) {
  std::string result(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(result.data(), result.size(), bytes.data(), bytes.size(), level);
  // Not the data's fault, which callers may pass over.
  if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  require(!ZSTD_isError(size), "zstd cannot compress {} bytes: {}", bytes.size(), ZSTD_getErrorName(size));
  result.resize(size);
  return result;
}

std::string decompress(std::string_view bytes, size_t size, const std::string& where) {
  // Asked before memory is taken: what is to come must fit the claim.
  const unsigned long long claimed = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  require(claimed == size, "{}: damaged (its compressed data does not hold {} bytes)", where, size);
  std::string result(size, '\0');
  const size_t got = ZSTD_decompress(result.data(), result.size(), bytes.data(), bytes.size());
  require(!ZSTD_isError(got) && got == size, "{}: damaged ({})", where, ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
  return result;
}

}  // namespace gsv3d
