#include "rasterizer/cpu/layout.h"

#include <algorithm>

namespace gsv3d::splat_cpu {

std::vector<ViewRange> view_ranges(const SceneRange* scenes, int64_t scene_count) {
  std::vector<ViewRange> ranges;
  for (int64_t i = 0; i < scene_count; ++i)
    for (int64_t view = 0; view < scenes[i].views(); ++view)
      ranges.push_back({scenes[i].splat_begin + view * scenes[i].gaussians(), scenes[i].gaussians()});
  return ranges;
}

int64_t gaussian_chunks(const SceneRange* scenes, int64_t scene_count) {
  int64_t count = 0;
  for (int64_t i = 0; i < scene_count; ++i) count += (scenes[i].gaussians() + kGaussianChunk - 1) / kGaussianChunk;
  return count;
}

GaussianChunk gaussian_chunk(const SceneRange* scenes, int64_t index) {
  for (int64_t scene = 0;; ++scene) {
    const int64_t chunks = gaussian_chunks(scenes + scene, 1);
    if (index < chunks) {
      const int64_t begin = scenes[scene].gaussian_begin + index * kGaussianChunk;
      return {scene, begin, std::min(begin + kGaussianChunk, scenes[scene].gaussian_end)};
    }
    index -= chunks;
  }
}

}  // namespace gsv3d::splat_cpu
