#include "training/surface_loss.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

/// What the Gaussians of an N × 1 × g × g grid should be, and which of them see the object.
struct Surface {
  Tensor rgb, alpha, depth, seen;
};

Surface surface_behind(const TargetViews& truth, int64_t cell) {
  constexpr double nowhere = 1e6;  // farther than any surface, so that the nearest one wins
  const Tensor hit = truth.object().to(at::kBool);
  const Tensor nearest = -at::max_pool2d(-truth.depth.masked_fill(hit.logical_not(), nowhere), {cell, cell});
  const Tensor alpha = at::avg_pool2d(truth.alpha, {cell, cell});
  // Over white, rgb = alpha · colour + (1 - alpha).
  const Tensor colour = at::avg_pool2d(truth.rgb - (1 - truth.alpha), {cell, cell}) / alpha.clamp_min(1e-3);
  const Tensor seen = nearest < nowhere;
  return {colour.clamp(0, 1), alpha, nearest, seen.to(at::kFloat)};
}

}  // namespace

RenderingLoss surface_loss(const Gaussians& gaussians, const Cameras& cameras, const TargetViews& truth, int64_t clips) {
  const int64_t views = truth.alpha.size(0), size = truth.alpha.size(-1), per_view = views > 0 ? gaussians.count() / views : 0;
  const auto grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(per_view))));
  require(grid > 0 && views * grid * grid == gaussians.count() && cameras.count() == views && size % grid == 0 &&
              truth.alpha.size(-2) == size,
          "{} Gaussians are no square grids for {} views of {} pixels and {} cameras", gaussians.count(), views, size,
          cameras.count());
  const Surface surface = surface_behind(truth, size / grid);
  const auto on_grid = [&](const Tensor& values) { return values.reshape({views, grid, grid, -1}).permute({0, 3, 1, 2}); };

  const Tensor forward = cameras.world_to_camera.select(1, 2);  // [N, 4]: the row that gives camera z
  const Tensor means = gaussians.means.reshape({views, grid * grid, 3});
  // Not a matrix product, which autocast would round to bfloat16.
  const Tensor z =
      (means * forward.narrow(1, 0, 3).unsqueeze(1)).sum(-1, /*keepdim=*/true) + forward.narrow(1, 3, 1).unsqueeze(-1);
  const Tensor rgb = sh_to_rgb(gaussians.sh.narrow(1, 0, 1)).reshape({-1, 3});

  RenderingLoss loss;
  loss.depth = clip_means((on_grid(z) - surface.depth).abs(), surface.seen, clips);
  loss.rgb = clip_means((on_grid(rgb) - surface.rgb).square(), surface.seen * surface.alpha, clips);
  loss.alpha = clip_means((on_grid(gaussians.opacities) - surface.alpha).square(), clips);
  return loss;
}

}  // namespace gsv3d
