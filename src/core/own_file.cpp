#include "core/own_file.h"

#include <dlfcn.h>

namespace gsv3d {

namespace fs = std::filesystem;

fs::path own_file() {
  std::error_code error;
  Dl_info info{};
  // For the program itself dladdr gives what it was called by, which need not be a path.
  if (dladdr(reinterpret_cast<const void*>(&own_file), &info) != 0 && info.dli_fname != nullptr) {
    const fs::path file = info.dli_fname;
    if (file.filename().string().find(".so") != std::string::npos) return fs::canonical(file, error);
  }
  return fs::read_symlink("/proc/self/exe", error);
}

}  // namespace gsv3d
