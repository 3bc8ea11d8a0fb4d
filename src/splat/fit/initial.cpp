// Where a fit begins: the visual hull of the pictures, filled at random.
#include <c10/core/GradMode.h>

#include <cmath>

#include "core/error.h"
#include "splat/fit/fit.h"

namespace gsv3d {
namespace {

constexpr double color_difference = 0.03;  ///< from the background, of what counts as object where there is no alpha
constexpr int64_t most_candidates = int64_t{1} << 20;

Tensor silhouettes(const FitTargets& targets) {
  if (targets.alpha.defined()) return targets.alpha;
  const Tensor difference = (targets.rgb - targets.background.view({1, 3, 1, 1})).abs().amax({1}, /*keepdim=*/true);
  return difference.gt(color_difference).to(at::kFloat);
}

/// Values of the pictures [V, C, H, W] where points [P, 3] fall in them → [V, C, P], and where they are inside of them → [V, P].
struct Samples {
  Tensor values, inside;
};
Samples sample(const Tensor& pictures, const Cameras& cameras, const Tensor& points) {
  const Tensor homogeneous = at::cat({points, at::ones({points.size(0), 1}, points.options())}, 1);
  const Tensor seen = at::matmul(cameras.world_to_camera.slice(1, 0, 3), homogeneous.t());  // [V, 3, P]
  const Tensor pixels = at::matmul(cameras.intrinsics, seen);
  const Tensor z = seen.select(1, 2), depth = z.clamp_min(1e-6);
  const Tensor x = pixels.select(1, 0) / depth * (2.0 / static_cast<double>(cameras.width)) - 1;
  const Tensor y = pixels.select(1, 1) / depth * (2.0 / static_cast<double>(cameras.height)) - 1;
  const Tensor inside = z.gt(0).logical_and(x.abs().le(1)).logical_and(y.abs().le(1));
  const Tensor grid = at::stack({x.clamp(-2, 2), y.clamp(-2, 2)}, -1).unsqueeze(2);  // [V, P, 1, 2]
  return {at::grid_sampler_2d(pictures, grid, /*bilinear=*/0, /*zeros=*/0, /*align_corners=*/false).squeeze(-1), inside};
}

/// Points of the cube inside every silhouette that sees them; of the whole cube when there are hardly any.
Tensor points_in_hull(const FitTargets& targets, int64_t count, double half_width, const at::Generator& generator) {
  const Tensor masks = silhouettes(targets);
  std::vector<Tensor> found;
  int64_t enough = count;
  const int64_t batch = std::min<int64_t>(most_candidates, std::max<int64_t>(count, 1 << 14));
  for (int64_t tried = 0; enough > 0 && tried < 64 * batch; tried += batch) {
    const Tensor points = ((at::rand({batch, 3}, generator, at::kFloat) * 2 - 1) * half_width).to(masks.device());
    const Samples seen = sample(masks, targets.cameras, points);
    const Tensor outside = seen.values.squeeze(1).lt(0.5).logical_and(seen.inside).any(0);
    found.push_back(points.index({outside.logical_not()}));
    enough -= found.back().size(0);
  }
  const Tensor hull = at::cat(found);
  if (hull.size(0) >= std::min<int64_t>(count, 32)) return hull.size(0) > count ? hull.slice(0, 0, count) : hull;
  return ((at::rand({count, 3}, generator, at::kFloat) * 2 - 1) * half_width).to(masks.device());
}

}  // namespace

Gaussians initial_gaussians(const FitTargets& targets, int64_t count, double half_width, uint64_t seed) {
  require(count > 0 && half_width > 0, "fit: {} Gaussians in a cube of half width {}", count, half_width);
  const c10::NoGradGuard no_grad;
  const at::Generator generator = make_generator(seed);
  const Tensor means = points_in_hull(targets, count, half_width, generator);
  const Samples seen = sample(targets.rgb, targets.cameras, means);
  const Tensor weight = seen.inside.to(at::kFloat).unsqueeze(1);
  const Tensor colors = ((seen.values * weight).sum(0) / weight.sum(0).clamp_min(1)).t().contiguous();  // [P, 3]
  const int64_t points = means.size(0);
  // As if each stood for its share of the space that they fill, which is at most the cube's.
  const Tensor box = at::cat({means.amax({0}) - means.amin({0})}).clamp_min(1e-3);
  const double spacing = std::cbrt(box.prod().item<double>() / static_cast<double>(points));
  const auto options = means.options();
  Tensor quats = at::zeros({points, 4}, options);
  quats.select(1, 0).fill_(1);
  return {means, quats, at::full({points, 3}, 0.5 * spacing, options), at::full({points}, 0.1, options), rgb_to_sh(colors)};
}

}  // namespace gsv3d
