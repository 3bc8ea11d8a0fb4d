// EWA projection (Zwicker et al. 2001, as in 3DGS) of every Gaussian into every camera of its scene.
#include "splat/cpu/ellipse.h"
#include "splat/cpu/projection.h"
#include "splat/cpu/projection_terms.h"
#include "splat/cpu/spherical_harmonics.h"
#include "splat/cpu/stored_color.h"

namespace gsv3d::splat_cpu {
namespace {

/// Colour of Gaussian `g` seen from `view`; `sh` are its coefficients.
void splat_color(const GaussianArrays& gaussians, const View& view, int64_t g, const float* sh, float* rgb) {
  const int count = gaussians.sh_count;
  if (count == 0) {
    for (int c = 0; c < 3; ++c) rgb[c] = sh[c];
    return;
  }
  float direction[3], basis[kMaxShCount];
  for (int i = 0; i < 3; ++i) direction[i] = gaussians.means[3 * g + i] - view.position[i];
  const float norm = std::sqrt(direction[0] * direction[0] + direction[1] * direction[1] + direction[2] * direction[2]);
  const float inverse = 1 / std::max(norm, 1e-12f);
  sh_basis(direction[0] * inverse, direction[1] * inverse, direction[2] * inverse, count, basis);
  for (int c = 0; c < 3; ++c) {
    float sum = 0.5f;
    for (int k = 0; k < count; ++k) sum += basis[k] * sh[3 * k + c];
    rgb[c] = std::max(sum, 0.0f);
  }
}

/// False when the splat touches no pixel centre's square of the image (gsplat's test, on whole pixels).
bool on_screen(const Splat& splat, const Grid& grid) {
  const float radius_x = std::ceil(splat.extent_x), radius_y = std::ceil(splat.extent_y);
  return splat.x + radius_x > 0 && splat.x - radius_x < grid.width && splat.y + radius_y > 0 && splat.y - radius_y < grid.height;
}

/// Comparisons are written so that values that are not numbers cull.
bool project_one(const ProjectionParameters& in, const View& view, int64_t g, const ShapeTerms& shape, float near_plane,
                 float far_plane, Splat& splat) {
  float point[3];
  camera_point(view, in.gaussians.means + 3 * g, point);
  if (!(point[2] >= near_plane && point[2] <= far_plane)) return false;
  const ProjectionTerms t = projection_terms(view, in.grid, point, shape.covariance);
  if (!(t.determinant > 0 && t.determinant < 1e30)) return false;
  splat.opacity = in.gaussians.opacities[g] * (in.antialiased ? t.compensation : 1);
  if (!(splat.opacity >= kMinAlpha)) return false;

  const float xx = t.cov_xx + kBlur, yy = t.cov_yy + kBlur;
  const double inverse = 1 / t.determinant;
  splat.a = static_cast<float>(yy * inverse);
  splat.b = static_cast<float>(-t.cov_xy * inverse);
  splat.c = static_cast<float>(xx * inverse);
  splat.x = view.fx * point[0] * t.inverse_z + view.cx;
  splat.y = view.fy * point[1] * t.inverse_z + view.cy;
  splat.depth = point[2];
  const float deviations = std::min(kMaxExtentInDeviations, std::sqrt(2 * std::log(255 * splat.opacity)));
  splat.extent_x = deviations * std::sqrt(xx);
  splat.extent_y = deviations * std::sqrt(yy);
  splat.lean = t.cov_xy / yy;
  splat.fall = t.cov_xy / xx;
  splat.half_width = (splat.extent_x + margin(splat.extent_x)) * static_cast<float>(std::sqrt(t.determinant / (double{xx} * yy)));
  splat.contour = 0.5f * kLog2E * deviations * deviations + 0.05f;
  return splat.extent_x > 0 && splat.extent_y > 0 && on_screen(splat, in.grid);
}

}  // namespace

void project_forward(const ProjectionParameters& in, float near_plane, float far_plane, Splat* splats) {
  const auto chunks = gaussian_chunks(in.scenes, in.scene_count);
  const auto chunk_count = static_cast<int64_t>(chunks.size());
#pragma omp parallel for schedule(dynamic) num_threads(in.threads)
  for (int64_t i = 0; i < chunk_count; ++i) {
    const auto& chunk = chunks[i];
    const auto& scene = in.scenes[chunk.scene];
    for (int64_t g = chunk.begin; g < chunk.end; ++g) {
      const auto shape = shape_terms(in.gaussians.quats + 4 * g, in.gaussians.scales + 3 * g);
      const StoredColor color(in.gaussians, g);
      for (int64_t view = scene.view_begin; view < scene.view_end; ++view) {
        Splat& splat = splats[scene.splat_begin + (view - scene.view_begin) * scene.gaussians() + (g - scene.gaussian_begin)];
        if (project_one(in, in.views[view], g, shape, near_plane, far_plane, splat))
          splat_color(in.gaussians, in.views[view], g, color.values(), &splat.red);
        else
          splat.extent_x = 0;
      }
    }
  }
}

}  // namespace gsv3d::splat_cpu
