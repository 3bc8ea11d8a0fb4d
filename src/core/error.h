// One error style for the whole program: exceptions derived from Error. The message says what went wrong, where, and what to do.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace gsv3d {

/// Anything that the user or their data can cause. The command line prints the message in one line and exits with 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Wrong options or arguments: exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// The user pressed Ctrl-C (or the process was asked to end): exit code 130.
class Cancelled : public Error {
 public:
  Cancelled() : Error("cancelled") {}
};

/// Throws Error with a formatted message.
template <class... Arguments>
[[noreturn]] void fail(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  throw Error(fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// Throws Error with a formatted message unless the condition holds.
template <class... Arguments>
void require(bool condition, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!condition) throw Error(fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace gsv3d
