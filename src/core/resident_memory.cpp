#include "core/resident_memory.h"

#include <unistd.h>

#include <fstream>

namespace gsv3d {

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  return file >> all >> resident ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

}  // namespace gsv3d
