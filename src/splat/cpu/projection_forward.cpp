// The projection of every Gaussian into every camera of its scene.
#include "splat/cpu/ellipse.h"
#include "splat/cpu/parallel.h"
#include "splat/cpu/projection.h"
#include "splat/cpu/run_with_avx2.h"
#include "splat/cpu/stored_color.h"
#include "splat/math/projection.h"

namespace gsv3d::splat_cpu {
namespace {

/// The contour's terms from the covariance in double: the conic in float32 loses the width of needles.
void fill_contour(const splat_math::ProjectionTerms& t, Splat& splat) {
  const float xx = t.cov_xx + kBlur, yy = t.cov_yy + kBlur;
  splat.lean = t.cov_xy / yy;
  splat.fall = t.cov_xy / xx;
  splat.half_width =
      (splat.extent_x + edge_margin(splat.extent_x)) * std::sqrt(static_cast<float>(t.determinant / (double{xx} * yy)));
  const float square_deviations = splat.extent_x * splat.extent_x / xx;
  splat.contour = 0.5f * kLog2E * square_deviations + 0.05f;
}

/// A run of Gaussians in all views of its scene.
inline void project_chunk(const ProjectionParameters& in, const splat_math::DrawRules& rules, const GaussianChunk& chunk,
                          Splat* splats) {
  const auto& scene = in.scenes[chunk.scene];
  for (int64_t g = chunk.begin; g < chunk.end; ++g) {
    const float* mean = in.gaussians.means + 3 * g;
    const auto shape = splat_math::shape_terms(in.gaussians.quats + 4 * g, in.gaussians.scales + 3 * g);
    const StoredColor color(in.gaussians, g);
    for (int64_t view = scene.view_begin; view < scene.view_end; ++view) {
      Splat& splat = splats[scene.splat_begin + (view - scene.view_begin) * scene.gaussians() + (g - scene.gaussian_begin)];
      splat_math::ProjectionTerms terms;
      if (splat_math::project_one(rules, in.views[view], mean, shape.covariance, in.gaussians.opacities[g], splat, terms)) {
        splat_math::splat_color(in.views[view], mean, color.values(), in.gaussians.sh_count, &splat.red);
        fill_contour(terms, splat);
      } else {
        splat = Splat{};
      }
    }
  }
}

}  // namespace

void project_forward(const ProjectionParameters& in, float near_plane, float far_plane, Splat* splats) {
  const auto chunks = gaussian_chunks(in.scenes, in.scene_count);
  const auto chunk_count = static_cast<int64_t>(chunks.size());
  const splat_math::DrawRules rules = {in.grid, near_plane, far_plane, in.antialiased};
  parallel_for(chunk_count, 1, in.threads, [&](int64_t i) { run_with_avx2<project_chunk>(in, rules, chunks[i], splats); });
}

}  // namespace gsv3d::splat_cpu
