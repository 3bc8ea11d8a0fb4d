#include "rasterizer/cpu/projection_kernels.h"

#include <cstring>

#include "rasterizer/cpu/ellipse.h"
#include "rasterizer/cpu/stored_color.h"

namespace gsv3d::splat_cpu {

void load_run(const GaussianArrays& gaussians, const GaussianChunk& chunk, GaussianRun& run) {
  const auto count = static_cast<int>(chunk.end - chunk.begin), color_floats = 3 * std::max(gaussians.sh_count, 1);
  const auto load = [&](const float* from, int parts, auto& to) {
    from += parts * chunk.begin;
    for (int i = 0; i < count; ++i)
      for (int k = 0; k < parts; ++k) to[k][i] = from[parts * i + k];
    for (int k = 0; k < parts; ++k) std::fill(to[k] + count, to[k] + kGaussianChunk, 0.0f);
  };
  load(gaussians.means, 3, run.mean);
  load(gaussians.quats, 4, run.quat);
  load(gaussians.scales, 3, run.scale);
  std::copy(gaussians.opacities + chunk.begin, gaussians.opacities + chunk.end, run.opacity);
  std::fill(run.opacity + count, run.opacity + kGaussianChunk, 0.0f);
  for (int i = 0; i < count; ++i) {
    const StoredColor color(gaussians, chunk.begin + i);
    for (int k = 0; k < color_floats; ++k) run.color[k][i] = color.values()[k];
  }
  for (int k = 0; k < color_floats; ++k) std::fill(run.color[k] + count, run.color[k] + kGaussianChunk, 0.0f);
}

namespace {

void clear_sums(int sh_count, GaussianRunGradient& sum) {
  const auto clear = [](auto& arrays, int count) { std::memset(arrays, 0, count * sizeof(arrays[0])); };
  clear(sum.mean, 3);
  clear(sum.covariance, 6);
  clear(sum.color, 3 * std::max(sh_count, 1));
  std::memset(sum.s, 0, sizeof(sum.s));
}

void store_gradients(const GaussianRunGradient& sum, const GaussianChunk& chunk, int sh_count, const ProjectionGradients& out) {
  const auto count = static_cast<int>(chunk.end - chunk.begin);
  const auto store = [&](const auto& from, int parts, float* to) {
    to += parts * chunk.begin;
    for (int i = 0; i < count; ++i)
      for (int k = 0; k < parts; ++k) to[parts * i + k] = from[k][i];
  };
  store(sum.mean, 3, out.means);
  store(sum.quat, 4, out.quats);
  store(sum.scale, 3, out.scales);
  store(sum.color, 3 * std::max(sh_count, 1), out.colors);
  std::copy(sum.s, sum.s + count, out.opacities + chunk.begin);
}

}  // namespace

#define GSV3D_KERNELS "rasterizer/cpu/projection_kernels.inc"
#include "rasterizer/cpu/vector_targets.inc"

const ProjectionKernels& projection_kernels([[maybe_unused]] VectorTarget widest) {
#ifdef GSV3D_X86_TARGETS
  const auto target = available_target(widest);
  if (target == VectorTarget::kAvx512) return avx512::kKernels;
  if (target == VectorTarget::kAvx2) return avx2::kKernels;
#endif
  return portable::kKernels;
}

}  // namespace gsv3d::splat_cpu
