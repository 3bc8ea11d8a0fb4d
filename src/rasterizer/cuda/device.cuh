// What the kernels need of CUDA. GSV3D_CUDA_EMULATION replaces it by tests/splat/cuda_emulation/, which runs the same kernels on
// the CPU.
#pragma once

#if defined(GSV3D_CUDA_EMULATION)
#include "cuda_emulation.h"
#else
#include <cuda_runtime.h>

namespace gsv3d::splat_cuda {

/// Starts a kernel of `blocks` × `threads`; nothing when there are no blocks.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), int64_t blocks, int threads, CUstream_st* stream, const Arguments&... arguments) {
  if (blocks == 0) return cudaSuccess;
  if (blocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
  // clang-format off
  kernel<<<static_cast<unsigned>(blocks), threads, 0, stream>>>(arguments...);
  // clang-format on
  return cudaGetLastError();
}

}  // namespace gsv3d::splat_cuda
#endif

namespace gsv3d::splat_cuda {

constexpr unsigned kAllLanes = 0xffffffff;
constexpr int kWarp = 32;

/// Blocks of `threads` for one thread per item.
inline int64_t blocks_for(int64_t items, int threads) {
  return (items + threads - 1) / threads;
}

}  // namespace gsv3d::splat_cuda
