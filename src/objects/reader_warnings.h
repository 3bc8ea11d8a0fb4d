// What a reader could not honour: each thing is said once per object.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/log.h"

namespace gsv3d {

class ReaderWarnings {
 public:
  /// `object` begins every message.
  explicit ReaderWarnings(std::string object) : object_(std::move(object)) {}

  void once(const std::string& text) {
    if (!said_.insert(text).second) return;
    spdlog::warn("{}: {}", object_, text);
    if (collected_) collected_->push_back(text);
  }

  /// While it lives, what is said on this thread is also added to `texts`.
  class Collector {
   public:
    explicit Collector(std::vector<std::string>& texts) : before_(std::exchange(collected_, &texts)) {}
    ~Collector() { collected_ = before_; }
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

   private:
    std::vector<std::string>* before_;
  };

 private:
  static inline thread_local std::vector<std::string>* collected_ = nullptr;
  std::string object_;
  std::set<std::string> said_;
};

}  // namespace gsv3d
