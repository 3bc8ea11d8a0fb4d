// What the kernels' binding takes from CUB and from LibTorch's CUDA library, for the CPU.
#include <algorithm>
#include <numeric>
#include <vector>

#include "rasterizer/cuda/rasterize_cuda.h"

namespace gsv3d::splat_cuda {

Status sort_workspace(int64_t, int, size_t* bytes) {
  *bytes = 1;
  return 0;
}

Status sort_pairs(void*, size_t, const SortBuffers& buffers, int64_t count, int bits, int* result, Stream) {
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return (buffers.keys[0][a] & mask) < (buffers.keys[0][b] & mask); });
  for (int64_t i = 0; i < count; ++i) {
    buffers.keys[1][i] = buffers.keys[0][order[i]];
    buffers.values[1][i] = buffers.values[0][order[i]];
  }
  *result = 1;
  return 0;
}

Status exclusive_sum_workspace(int64_t, size_t* bytes) {
  *bytes = 1;
  return 0;
}

Status exclusive_sum(void*, size_t, const int32_t* counts, int64_t* sums, int64_t count, Stream) {
  std::exclusive_scan(counts, counts + count, sums, int64_t{0});
  return 0;
}

Stream current_stream(const at::Device&) {
  return nullptr;
}

}  // namespace gsv3d::splat_cuda
