#include "core/standard_error.h"

#include <cstdio>

namespace gsv3d {

void print_error(std::string_view text) noexcept {
  // Both results are of no use: there is nobody to tell.
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  (void)std::fflush(stderr);
}

}  // namespace gsv3d
