// From a block or a splat to its scene. The scenes are few, so a search in a table of starts that stays in the cache is cheap.
#pragma once

#include "rasterizer/cuda/device.cuh"
#include "rasterizer/cuda/kernels.h"

namespace gsv3d::splat_cuda {

/// The last scene whose begin(scene) is not beyond `index`. Scenes without blocks share their begin with the next, which is
/// found.
template <class Begin>
__device__ __forceinline__ int find_scene(const SceneBlocks* scenes, int count, int64_t index, const Begin& begin) {
  int low = 0, high = count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (begin(scenes[middle]) <= index)
      low = middle;
    else
      high = middle;
  }
  return low;
}

}  // namespace gsv3d::splat_cuda
