// How much memory this process takes, and how much there is.
#pragma once

#include <cstdint>
#include <optional>

namespace gsv3d {

/// Bytes of resident memory now, mapped files included; 0 on systems that do not say (/proc/self/statm).
int64_t resident_bytes();

/// The machine's memory in all, or the limit of the process's control group where that is less.
std::optional<int64_t> whole_memory_bytes();

}  // namespace gsv3d
