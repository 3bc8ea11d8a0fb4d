// Resident memory of this process (Linux), and its peak since a chosen moment.
#pragma once

#include <malloc.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace gsv3d {

/// Makes the peak start anew, and gives freed memory back first, so that the making of random weights does not count.
inline void reset_peak() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

/// Megabytes of resident memory, weights included: "VmHWM:" at its peak, "VmRSS:" now.
inline double resident(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::strtod(line.c_str() + key.size(), nullptr) * 1024 / 1e6;
  return 0;
}

}  // namespace gsv3d
