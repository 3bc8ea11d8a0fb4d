// How much memory this process takes.
#pragma once

#include <cstdint>

namespace gsv3d {

/// Bytes of resident memory now, mapped files included; 0 on systems that do not say (/proc/self/statm).
int64_t resident_bytes();

}  // namespace gsv3d
