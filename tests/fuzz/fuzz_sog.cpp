#include "fuzz_reader.h"
#include "gaussian_files/sog.h"
#include "sog_members.h"
#include "zip_bytes.h"

/// The first byte decides: the file as it is, or parts that are put into a sound zip archive first.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gsv3d;
  if (size == 0) return 0;
  const bool wrap = data[0] & 1;
  return fuzz::check_reader(data + 1, size - 1, [&](std::string_view bytes) {
    return fuzz::checked(decode_sog(wrap ? testing::zip_bytes(fuzz::sog_members(bytes)) : std::string(bytes), "fuzz"));
  });
}
