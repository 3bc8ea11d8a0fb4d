// What readers and writers of all formats agree on: how much memory they take.
#pragma once

#include <cstdint>
#include <string>

#include "core/error.h"

namespace gsv3d {

/// More than any published scene; 2²⁶ Gaussians of degree 3 are 16 GB.
inline constexpr uint64_t kMostGaussians = uint64_t{1} << 26;

/// Written at a time: bounds the memory that writing takes besides the Gaussians.
inline constexpr int64_t kRowsAtOnce = 1 << 16;

/// Throws Error when a file of `file_bytes` cannot honestly hold so many Gaussians: spz's own rule, at least 9 bytes for each,
/// compressed at most 1024 times. To be asked before anything of their size is allocated.
inline void require_plausible_count(uint64_t count, size_t file_bytes, const std::string& where) {
  require(count <= kMostGaussians && count <= (static_cast<uint64_t>(file_bytes) * 1024) / 9,
          "{}: damaged: {} Gaussians are said to be in {} bytes", where, count, file_bytes);
}

}  // namespace gsv3d
