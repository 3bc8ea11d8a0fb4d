// Gradients of splats → gradients of Gaussians and cameras, in a fixed order of sums.
#include <cstring>

#include "splat/cpu/projection.h"
#include "splat/math/projection_gradient.h"

namespace gsv3d::splat_cpu {
namespace {

using ViewSum = splat_math::ViewGradient<double>;

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
void gaussian_backward(const ProjectionParameters& in, const SceneRange& scene, int64_t g, const Splat* splats,
                       const int32_t* first_slot, const SplatMoments* moments, const ProjectionGradients& out, ViewSum* v_views) {
  const int64_t color_floats = 3 * std::max(in.gaussians.sh_count, 1);
  float* v_colors = out.colors + g * color_floats;
  std::memset(v_colors, 0, sizeof(float) * color_floats);
  splat_math::GaussianGradient sum;
  bool seen = false;
  splat_math::ShapeTerms shape;
  const splat_math::GaussianInput gaussian = {in.gaussians.means + 3 * g, in.gaussians.colors + g * color_floats,
                                              in.gaussians.sh_count, in.gaussians.opacities[g]};
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

void add_view_gradient(const ViewSum& part, float* world_to_camera, double* sums) {
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) sums[4 * i + j] += part.rotation[3 * i + j];
    sums[4 * i + 3] += part.translation[i];
  }
  for (int i = 0; i < 12; ++i) world_to_camera[i] = static_cast<float>(sums[i]);
}

}  // namespace

void project_backward(const ProjectionParameters& in, const Splat* splats, const int32_t* first_slot, const SplatMoments* moments,
                      const ProjectionGradients& out) {
  const auto chunks = gaussian_chunks(in.scenes, in.scene_count);
  const auto chunk_count = static_cast<int64_t>(chunks.size());
  int64_t most_views = 0;
  for (int64_t i = 0; i < in.scene_count; ++i) most_views = std::max(most_views, in.scenes[i].views());
  std::vector<ViewSum> partial(out.world_to_cameras ? chunk_count * most_views : 0);
#pragma omp parallel for schedule(dynamic) num_threads(in.threads)
  for (int64_t i = 0; i < chunk_count; ++i) {
    ViewSum* v_views = partial.empty() ? nullptr : &partial[i * most_views];
    for (int64_t g = chunks[i].begin; g < chunks[i].end; ++g)
      gaussian_backward(in, in.scenes[chunks[i].scene], g, splats, first_slot, moments, out, v_views);
  }
  if (!out.world_to_cameras) return;
  const int64_t views = in.scene_count ? in.scenes[in.scene_count - 1].view_end : 0;
  std::memset(out.world_to_cameras, 0, sizeof(float) * 16 * views);
  std::vector<double> sums(12 * views);
  for (int64_t i = 0; i < chunk_count; ++i) {
    const auto& scene = in.scenes[chunks[i].scene];
    for (int64_t view = 0; view < scene.views(); ++view) {
      const int64_t index = scene.view_begin + view;
      add_view_gradient(partial[i * most_views + view], out.world_to_cameras + 16 * index, &sums[12 * index]);
    }
  }
}

}  // namespace gsv3d::splat_cpu
