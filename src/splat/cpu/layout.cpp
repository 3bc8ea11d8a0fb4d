#include "splat/cpu/layout.h"

#include <algorithm>

namespace gsv3d::splat_cpu {

std::vector<ViewRange> view_ranges(const SceneRange* scenes, int64_t scene_count) {
  std::vector<ViewRange> ranges;
  for (int64_t i = 0; i < scene_count; ++i)
    for (int64_t view = 0; view < scenes[i].views(); ++view)
      ranges.push_back({scenes[i].splat_begin + view * scenes[i].gaussians(), scenes[i].gaussians()});
  return ranges;
}

std::vector<GaussianChunk> gaussian_chunks(const SceneRange* scenes, int64_t scene_count) {
  std::vector<GaussianChunk> chunks;
  for (int64_t i = 0; i < scene_count; ++i)
    for (int64_t begin = scenes[i].gaussian_begin; begin < scenes[i].gaussian_end; begin += kGaussianChunk)
      chunks.push_back({i, begin, std::min(begin + kGaussianChunk, scenes[i].gaussian_end)});
  return chunks;
}

}  // namespace gsv3d::splat_cpu
