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

/// The photos' colours over white and where they are solid, in the order of the views: [K, 3, S, S], [K, 1, S, S].
struct PhotoStack {
  Tensor rgb, alpha, views;  ///< views: [K] int64
};

PhotoStack stacked(const std::vector<SeenPhoto>& photos) {
  std::vector<Tensor> all;
  std::vector<int64_t> views;
  for (const SeenPhoto& photo : photos) all.push_back(photo.rgba), views.push_back(photo.view);
  const Tensor rgba = at::stack(all);
  return {rgba.narrow(1, 0, 3), rgba.narrow(1, 3, 1), at::tensor(views, at::kLong)};
}

/// Without the Gaussians whose centres a photo sees beside the object; all of them where that would leave none. A pixel's breadth
/// of doubt is left to the outline.
Gaussians inside_silhouettes(const Gaussians& gaussians, const PhotoStack& photos, const Cameras& cameras) {
  constexpr double kLeastAlpha = 0.05;
  const Tensor shown = at::max_pool2d(photos.alpha, {3, 3}, {1, 1}, {1, 1}).gt(kLeastAlpha).flatten(1);  // [K, S·S]
  const Cameras seeing = cameras.select(photos.views);
  const Tensor pixels = pixels_of(seen_points(seeing, gaussians.means), seeing);  // [K, G]
  const Tensor keep = (pixels < 0).logical_or(shown.gather(1, pixels.clamp_min(0))).all(0);
  return keep.any().item<bool>() ? gaussians.select(keep) : gaussians;
}

Gaussians change_colors(Gaussians gaussians, const PhotoStack& photos, const Cameras& cameras) {
  const Rendering seen = rasterize(gaussians, cameras.select(photos.views));
  const Tensor both = seen.alpha.gt(solid).logical_and(photos.alpha.gt(solid)).flatten();
  if (both.sum().item<int64_t>() < fewest_pixels) return gaussians;
  const auto colors = [&](const Tensor& images) { return images.permute({0, 2, 3, 1}).reshape({-1, 3}).index({both}); };
  const Tensor matrix = best_color_matrix(colors(seen.rgb / seen.alpha.clamp_min(solid)), colors(photos.rgb));
  const Tensor base = at::matmul(sh_to_rgb(gaussians.sh), matrix);
  gaussians.sh = at::cat({rgb_to_sh(base.clamp(0, 1)), at::matmul(gaussians.sh.slice(1, 1), matrix)}, 1);
  return gaussians;
}

}  // namespace

Gaussians refine_to_views(const Gaussians& gaussians, const std::vector<SeenPhoto>& photos, const Tensor& views,
                          const Cameras& cameras, const ViewRefinementOptions& options) {
  const int64_t count = cameras.count(), height = cameras.height, width = cameras.width;
  require(!photos.empty() && views.sizes() == at::IntArrayRef({count, 3, height, width}),
          "refinement: photos, and views of [{}, 3, {}, {}]", count, height, width);
  for (const SeenPhoto& photo : photos)
    require(photo.rgba.sizes() == at::IntArrayRef({4, height, width}) && photo.view >= 0 && photo.view < count,
            "refinement: a photo must be [4, {}, {}] and stand for one of {} views", height, width, count);
  if (gaussians.count() == 0 || count < 2) return gaussians;
  const c10::NoGradGuard no_grad;
  const PhotoStack stack = stacked(photos);
  const Gaussians start = change_colors(inside_silhouettes(gaussians, stack, cameras), stack, cameras);
  if (options.steps == 0) return start;

  FitTargets targets;
  targets.background = at::ones({3}, stack.rgb.options());
  targets.cameras = cameras;
  targets.rgb = views.index_copy(0, stack.views, stack.rgb * stack.alpha + 1 - stack.alpha);
  targets.alpha = rasterize(start, cameras).alpha.index_copy(0, stack.views, stack.alpha);
  const auto others = static_cast<double>(std::max<int64_t>(1, count - std::ssize(photos)));
  targets.weights = at::full({count}, options.other_views_weight / others, stack.rgb.options());
  targets.weights.index_fill_(0, stack.views, 1);
  FitOptions fit;
  fit.steps = options.steps;
  fit.views_per_step = count;
  fit.opacity_weight = fit.scale_weight = 0;
  return fit_gaussians(start, targets, fit);
}

}  // namespace gsv3d
