// Text for people on the standard error stream.
#pragma once

#include <string_view>

namespace gsv3d {

/// Never throws, unlike fmt::print: who closed the stream, or filled the disk behind it, hears nothing, and the work goes on.
/// Destructors and the last line of a failing program depend on it.
void print_error(std::string_view text) noexcept;

}  // namespace gsv3d
