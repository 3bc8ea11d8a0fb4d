#include <zlib.h>

#include <string>

#include "fuzz_reader.h"
#include "splat/formats/spz.h"

namespace {

/// Stored, not compressed: the fuzzer's changes then reach what is behind the gzip layer.
std::string gzipped(std::string_view bytes) {
  z_stream stream = {};
  deflateInit2(&stream, 0, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace

/// The first byte decides: the file as it is, or the content of a gzip stream.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gsv3d;
  if (size == 0) return 0;
  const bool wrap = data[0] & 1;
  return fuzz::check_reader(data + 1, size - 1, [&](std::string_view bytes) {
    return wrap ? decode_spz(gzipped(bytes), "fuzz", Frame::kWorld) : decode_spz(bytes, "fuzz", Frame::kWorld);
  });
}
