// What a reader could not honour: each thing is said once per object.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "core/log.h"

namespace gsv3d {

class ReaderWarnings {
 public:
  /// `object` begins every message.
  explicit ReaderWarnings(std::string object) : object_(std::move(object)) {}

  void once(const std::string& text) {
    if (said_.insert(text).second) spdlog::warn("{}: {}", object_, text);
  }

 private:
  std::string object_;
  std::set<std::string> said_;
};

}  // namespace gsv3d
