#include "fuzz_reader.h"
#include "gaussian_files/spz.h"
#include "gzip.h"

/// The first byte decides: the file as it is, or the content of a gzip stream.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gsv3d;
  if (size == 0) return 0;
  const bool wrap = data[0] & 1;
  return fuzz::check_reader(data + 1, size - 1, [&](std::string_view bytes) {
    // Stored, not compressed: the fuzzer's changes then reach what is behind the gzip layer.
    return fuzz::checked(wrap ? decode_spz(testing::gzipped(bytes, 0), "fuzz") : decode_spz(bytes, "fuzz"));
  });
}
