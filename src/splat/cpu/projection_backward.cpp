// Gradients of splats → gradients of Gaussians and cameras: sums over views, in an order that does not depend on threads.
#include <cstring>

#include "splat/cpu/parallel.h"
#include "splat/cpu/projection.h"
#include "splat/cpu/run_with_avx2.h"
#include "splat/cpu/stored_color.h"
#include "splat/math/projection_gradient.h"

namespace gsv3d::splat_cpu {
namespace {

/// In double because very many Gaussians add to it.
using ViewGradient = splat_math::ViewGradient<double>;

SplatMoments sum_moments(const SplatMoments* moments, int32_t begin, int32_t end) {
  SplatMoments sum = {};
  auto* total = &sum.red;
  for (int32_t i = begin; i < end; ++i) {
    const auto* part = &moments[i].red;
    for (int k = 0; k < kMomentFloats; ++k) total[k] += part[k];
  }
  return sum;
}

/// All views of one Gaussian, in order, so that the sums do not depend on threads.
inline void gaussian_backward(const ProjectionParameters& in, const SceneRange& scene, int64_t g, const Splat* splats,
                              const int32_t* first_slot, const SplatMoments* moments, const ProjectionGradients& out,
                              ViewGradient* v_views) {
  const int64_t color_floats = 3 * std::max(in.gaussians.sh_count, 1);
  float* v_colors = out.colors + g * color_floats;
  std::memset(v_colors, 0, sizeof(float) * color_floats);
  const StoredColor color(in.gaussians, g);
  const splat_math::GaussianInput gaussian = {in.gaussians.means + 3 * g, color.values(), in.gaussians.sh_count,
                                              in.gaussians.opacities[g]};
  splat_math::GaussianGradient sum;
  bool seen = false;
  splat_math::ShapeTerms shape;
  for (int64_t view = 0; view < scene.views(); ++view) {
    const int64_t i = scene.splat_begin + view * scene.gaussians() + (g - scene.gaussian_begin);
    if (first_slot[i] == first_slot[i + 1]) continue;
    const auto total = sum_moments(moments, first_slot[i], first_slot[i + 1]);
    if (splat_math::is_zero(total)) continue;
    if (!seen) shape = splat_math::shape_terms(in.gaussians.quats + 4 * g, in.gaussians.scales + 3 * g);
    seen = true;
    splat_math::view_backward(in.grid, in.antialiased, in.views[scene.view_begin + view], gaussian, shape, splats[i], total,
                              v_colors, sum, v_views ? v_views + view : nullptr);
  }
  std::memcpy(out.means + 3 * g, sum.mean, sizeof(sum.mean));
  out.opacities[g] = sum.opacity;
  if (seen) {
    splat_math::covariance_backward(shape, in.gaussians.scales + 3 * g, sum.covariance, out.scales + 3 * g, out.quats + 4 * g);
  } else {
    std::memset(out.scales + 3 * g, 0, sizeof(float) * 3);
    std::memset(out.quats + 4 * g, 0, sizeof(float) * 4);
  }
}

/// A run of Gaussians of one scene. v_views: null or one for each of its views, added to.
inline void chunk_backward(const ProjectionParameters& in, const GaussianChunk& chunk, const Splat* splats,
                           const int32_t* first_slot, const SplatMoments* moments, const ProjectionGradients& out,
                           ViewGradient* v_views) {
  for (int64_t g = chunk.begin; g < chunk.end; ++g)
    gaussian_backward(in, in.scenes[chunk.scene], g, splats, first_slot, moments, out, v_views);
}

int64_t most_views(const ProjectionParameters& in) {
  int64_t most = 0;
  for (int64_t i = 0; i < in.scene_count; ++i) most = std::max(most, in.scenes[i].views());
  return most;
}

/// Adds up what the chunks of a scene gave to each of its views, in order.
void sum_view_gradients(const ProjectionParameters& in, const std::vector<GaussianChunk>& chunks, const ViewGradient* partial,
                        int64_t stride, float* world_to_cameras) {
  size_t begin = 0;
  for (int64_t s = 0; s < in.scene_count; ++s) {
    size_t end = begin;
    while (end < chunks.size() && chunks[end].scene == s) ++end;
    for (int64_t view = 0; view < in.scenes[s].views(); ++view) {
      ViewGradient sum;
      for (size_t i = begin; i < end; ++i) {
        const auto& part = partial[static_cast<int64_t>(i) * stride + view];
        for (int k = 0; k < 9; ++k) sum.rotation[k] += part.rotation[k];
        for (int k = 0; k < 3; ++k) sum.translation[k] += part.translation[k];
      }
      float* out = world_to_cameras + 16 * (in.scenes[s].view_begin + view);
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) out[4 * i + j] = static_cast<float>(sum.rotation[3 * i + j]);
        out[4 * i + 3] = static_cast<float>(sum.translation[i]);
      }
      std::fill(out + 12, out + 16, 0.0f);
    }
    begin = end;
  }
}

}  // namespace

int64_t project_backward_scratch(const ProjectionParameters& in) {
  const auto chunks = static_cast<int64_t>(gaussian_chunks(in.scenes, in.scene_count).size());
  return chunks * most_views(in) * static_cast<int64_t>(sizeof(ViewGradient) / sizeof(double));
}

void project_backward(const ProjectionParameters& in, const Splat* splats, const int32_t* first_slot, const SplatMoments* moments,
                      const ProjectionGradients& out) {
  const auto chunks = gaussian_chunks(in.scenes, in.scene_count);
  const auto chunk_count = static_cast<int64_t>(chunks.size()), stride = most_views(in);
  auto* partial = out.world_to_cameras ? reinterpret_cast<ViewGradient*>(out.scratch) : nullptr;
  parallel_for(chunk_count, 1, in.threads, [&](int64_t i) {
    ViewGradient* v_views = partial ? partial + i * stride : nullptr;
    if (v_views) std::fill(v_views, v_views + stride, ViewGradient{});
    run_with_avx2<chunk_backward>(in, chunks[i], splats, first_slot, moments, out, v_views);
  });
  if (out.world_to_cameras) sum_view_gradients(in, chunks, partial, stride, out.world_to_cameras);
}

}  // namespace gsv3d::splat_cpu
