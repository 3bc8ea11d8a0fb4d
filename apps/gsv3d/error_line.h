// Any exception as one line for the standard error stream.
#pragma once

#include <exception>
#include <string>

namespace gsv3d {

/// Line breaks and terminal commands, which for example a file's name may hold, become spaces.
std::string one_line(std::string text);

/// The message without line breaks; LibTorch's without its stack trace; running out of memory in plain words.
std::string error_line(const std::exception& error);

}  // namespace gsv3d
