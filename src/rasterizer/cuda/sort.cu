// Sorting and running sums: CUB's. Alone in this file because CUB's headers are slow to compile.
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>
#include <cuda/std/functional>

#include "rasterizer/cuda/kernels.h"

namespace gsv3d::splat_cuda {
namespace {

Status sort(void* workspace, size_t* bytes, const SortBuffers& buffers, int64_t count, int bits, int* result, Stream stream) {
  cub::DoubleBuffer<uint32_t> keys(buffers.keys[0], buffers.keys[1]), values(buffers.values[0], buffers.values[1]);
  const auto status = cub::DeviceRadixSort::SortPairs(workspace, *bytes, keys, values, static_cast<int>(count), 0, bits, stream);
  if (result) *result = keys.selector;
  return status == cudaSuccess && keys.selector != values.selector ? cudaErrorUnknown : status;
}

Status sum(void* workspace, size_t* bytes, const int32_t* counts, int64_t* sums, int64_t count, Stream stream) {
  // The start value's type makes the sums 64 bits wide.
  return cub::DeviceScan::ExclusiveScan(workspace, *bytes, counts, sums, ::cuda::std::plus<>{}, int64_t{0},
                                        static_cast<int>(count), stream);
}

}  // namespace

Status sort_workspace(int64_t count, int bits, size_t* bytes) {
  return sort(nullptr, bytes, {}, count, bits, nullptr, nullptr);
}

Status sort_pairs(void* workspace, size_t bytes, const SortBuffers& buffers, int64_t count, int bits, int* result,
                  Stream stream) {
  return sort(workspace, &bytes, buffers, count, bits, result, stream);
}

Status exclusive_sum_workspace(int64_t count, size_t* bytes) {
  return sum(nullptr, bytes, nullptr, nullptr, count, nullptr);
}

Status exclusive_sum(void* workspace, size_t bytes, const int32_t* counts, int64_t* sums, int64_t count, Stream stream) {
  return sum(workspace, &bytes, counts, sums, count, stream);
}

}  // namespace gsv3d::splat_cuda
