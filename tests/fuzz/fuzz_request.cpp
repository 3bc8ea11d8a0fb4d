// The body of POST /v1/generations: JSON, or a form, by the first byte.
#include <cstdint>
#include <cstdlib>

#include "service/generation_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gsv3d;
  if (size == 0) return 0;
  HttpRequest request;
  request.headers["content-type"] = data[0] == '{' ? "application/json" : "multipart/form-data; boundary=X";
  request.body.assign(reinterpret_cast<const char*>(data), size);
  try {
    const GenerationRequest read = read_generation_request(request);
    if (read.photos.size() != read.views.size() + 1 || read.photo_name.size() > 800) std::abort();
    if (read.photo_name.find('/') != std::string::npos || read.photo_name.find('\0') != std::string::npos) std::abort();
    (void)json_text(read.options);
  } catch (const Problem& problem) {
    if (problem.status() != 400 && problem.status() != 422) std::abort();
  }
  return 0;
}
