// The projection of every Gaussian into every camera of its scene.
#include "splat/cpu/projection.h"
#include "splat/math/projection.h"

namespace gsv3d::splat_cpu {
void project_forward(const ProjectionParameters& in, float near_plane, float far_plane, Splat* splats) {
  const auto chunks = gaussian_chunks(in.scenes, in.scene_count);
  const splat_math::DrawRules rules = {in.grid, near_plane, far_plane, in.antialiased};
  const int color_floats = 3 * std::max(in.gaussians.sh_count, 1);
  const auto chunk_count = static_cast<int64_t>(chunks.size());
#pragma omp parallel for schedule(dynamic) num_threads(in.threads)
  for (int64_t i = 0; i < chunk_count; ++i) {
    const auto& chunk = chunks[i];
    const auto& scene = in.scenes[chunk.scene];
    for (int64_t g = chunk.begin; g < chunk.end; ++g) {
      const float* mean = in.gaussians.means + 3 * g;
      const auto shape = splat_math::shape_terms(in.gaussians.quats + 4 * g, in.gaussians.scales + 3 * g);
      for (int64_t view = scene.view_begin; view < scene.view_end; ++view) {
        Splat& splat = splats[scene.splat_begin + (view - scene.view_begin) * scene.gaussians() + (g - scene.gaussian_begin)];
        if (splat_math::project_one(rules, in.views[view], mean, shape.covariance, in.gaussians.opacities[g], splat))
          splat_math::splat_color(in.views[view], mean, in.gaussians.colors + g * color_floats, in.gaussians.sh_count,
                                  &splat.red);
        else
          splat = {};
      }
    }
  }
}

}  // namespace gsv3d::splat_cpu
