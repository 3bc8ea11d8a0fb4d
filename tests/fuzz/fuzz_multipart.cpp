// Forms: any bytes behind a boundary. Parts must lie within what was sent, and what is refused is refused with 400.
#include <cstdint>
#include <cstdlib>

#include "service/http_message.h"
#include "service/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gsv3d;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');  // the Content-Type, then the body
  const std::string type = line == std::string::npos ? "multipart/form-data; boundary=X" : text.substr(0, line);
  const std::string body = line == std::string::npos ? text : text.substr(line + 1);
  try {
    const auto parts = parse_multipart(type, body);
    if (parts.size() > most_form_parts) std::abort();
    size_t bytes = 0;
    for (const FormPart& part : parts) {
      if (part.name.empty() || body.find(part.content) == std::string::npos) std::abort();
      bytes += part.content.size() + part.name.size() + part.file_name.size();
    }
    if (bytes > body.size()) std::abort();
  } catch (const Problem& problem) {
    if (problem.status() != 400) std::abort();
  }
  return 0;
}
