// Sums over the 32 lanes of a warp of several values at once. Lane by lane, a plain reduction of n values takes 5·n shuffles;
// here each step halves the values that a lane is responsible for, which takes 12 for n = 10, and leaves the sums in different
// lanes, ready to be stored side by side. The order of additions is fixed.
#pragma once

#include "rasterizer/cuda/device.cuh"

namespace gsv3d::splat_cuda {

template <int kCount, int kMask = kWarp / 2>
__device__ __forceinline__ void fold_lanes(float* values, int lane) {
  if constexpr (kMask > 0) {
    if constexpr (kCount == 1) {
      values[0] += __shfl_xor_sync(kAllLanes, values[0], kMask);
      fold_lanes<1, kMask / 2>(values, lane);
    } else {
      constexpr int kHalf = (kCount + 1) / 2;
      const bool upper = lane & kMask;
#pragma unroll
      for (int i = 0; i < kHalf; ++i) {
        const float low = values[i], high = i + kHalf < kCount ? values[i + kHalf] : 0;
        values[i] = (upper ? high : low) + __shfl_xor_sync(kAllLanes, upper ? low : high, kMask);
      }
      fold_lanes<kHalf, kMask / 2>(values, lane);
    }
  }
}

/// Which of the kCount sums is in values[0] of this lane after fold_lanes; -1: none, or a copy of another lane's.
template <int kCount, int kMask = kWarp / 2>
__device__ __forceinline__ int folded_value(int lane) {
  static_assert(kCount <= kMask);
  if constexpr (kCount == 1) {
    return (lane & (2 * kMask - 1)) == 0 ? 0 : -1;
  } else {
    constexpr int kHalf = (kCount + 1) / 2;
    const int inner = folded_value<kHalf, kMask / 2>(lane);
    const int value = inner + (lane & kMask ? kHalf : 0);
    return inner >= 0 && value < kCount ? value : -1;
  }
}

}  // namespace gsv3d::splat_cuda
