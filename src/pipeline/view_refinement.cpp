#include "pipeline/view_refinement.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "fitting/fit.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

constexpr double solid = 0.5;          ///< alpha of pixels whose colours are compared
constexpr int64_t fewest_pixels = 16;  ///< that say something about colours
constexpr double hold = 0.02;          ///< variance of colours (of 0-1) above which they decide about the change's matrix

/// The matrix [3, 3] that best takes colours `from` to `to`, both [P, 3]: least squares, held towards the identity. Without an
/// offset, black stays black and what is true of the front's colours is least wrong on the back.
Tensor best_color_matrix(const Tensor& from, const Tensor& to) {
  const Tensor identity = hold * at::eye(3, from.options());
  const auto count = static_cast<double>(from.size(0));
  return at::linalg_solve(at::matmul(from.t(), from) / count + identity, at::matmul(from.t(), to) / count + identity);
}

Gaussians change_colors(Gaussians gaussians, const Tensor& rgb, const Tensor& alpha, const Cameras& camera) {
  const Rendering seen = rasterize(gaussians, camera);
  const Tensor both = seen.alpha.gt(solid).logical_and(alpha.gt(solid)).flatten();
  if (both.sum().item<int64_t>() < fewest_pixels) return gaussians;
  const auto colors = [&](const Tensor& images) { return images[0].flatten(1).t().index({both}); };
  const Tensor matrix = best_color_matrix(colors(seen.rgb / seen.alpha.clamp_min(solid)), colors(rgb));
  const Tensor base = at::matmul(sh_to_rgb(gaussians.sh), matrix);
  gaussians.sh = at::cat({rgb_to_sh(base.clamp(0, 1)), at::matmul(gaussians.sh.slice(1, 1), matrix)}, 1);
  return gaussians;
}

}  // namespace

Gaussians refine_to_views(const Gaussians& gaussians, const Tensor& photo, const Tensor& views, const Cameras& cameras,
                          const ViewRefinementOptions& options) {
  const int64_t count = cameras.count(), height = cameras.height, width = cameras.width;
  require(photo.sizes() == at::IntArrayRef({4, height, width}) && views.sizes() == at::IntArrayRef({count, 3, height, width}),
          "refinement: the photo must be [4, {0}, {1}] and the views [{2}, 3, {0}, {1}]", height, width, count);
  if (gaussians.count() == 0 || count < 2) return gaussians;
  const c10::NoGradGuard no_grad;
  const Tensor rgb = photo.slice(0, 0, 3).unsqueeze(0), alpha = photo.slice(0, 3, 4).unsqueeze(0);
  const Gaussians start = change_colors(gaussians, rgb, alpha, cameras.slice(0, 1));
  if (options.steps == 0) return start;

  FitTargets targets;
  targets.background = at::ones({3}, rgb.options());
  targets.cameras = cameras;
  targets.rgb = at::cat({rgb * alpha + 1 - alpha, views.slice(0, 1)});
  targets.alpha = at::cat({alpha, rasterize(start, cameras.slice(1, count)).alpha});
  targets.weights = at::full({count}, options.other_views_weight / static_cast<double>(count - 1), rgb.options());
  targets.weights[0].fill_(1);
  FitOptions fit;
  fit.steps = options.steps;
  fit.views_per_step = count;
  fit.opacity_weight = fit.scale_weight = 0;
  return fit_gaussians(start, targets, fit);
}

}  // namespace gsv3d
