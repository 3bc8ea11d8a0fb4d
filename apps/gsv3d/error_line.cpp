#include "error_line.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <filesystem>
#include <new>

#include "core/error.h"

namespace gsv3d {
namespace {

std::string first_line(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  return text;
}

}  // namespace

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

std::string error_line(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return "not enough memory";
  if (const auto* torch = dynamic_cast<const c10::Error*>(&error)) {
    const std::string line = first_line(torch->what_without_backtrace());
    const bool memory = line.find("not enough memory") != std::string::npos || line.find("out of memory") != std::string::npos;
    return memory ? "not enough memory: " + line : "internal error in a tensor operation: " + line;
  }
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error))
    return one_line(file->path1().string() + ": " + file->code().message());
  return one_line(error.what());
}

}  // namespace gsv3d
