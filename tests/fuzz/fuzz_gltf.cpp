#include "fuzz_reader.h"
#include "gaussian_files/gltf_splats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gsv3d;
  return fuzz::check_reader(data, size, [](std::string_view bytes) { return fuzz::checked(decode_gltf_splats(bytes, "fuzz")); });
}
