#include "core/resident_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace gsv3d {

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  return file >> all >> resident ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

std::optional<int64_t> whole_memory_bytes() {
  const int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  if (pages <= 0) return {};
  const int64_t all = pages * ::sysconf(_SC_PAGESIZE);
  std::ifstream limit("/sys/fs/cgroup/memory.max");  // a number, or "max"
  int64_t bytes = 0;
  return limit >> bytes ? std::min(all, bytes) : all;
}

}  // namespace gsv3d
