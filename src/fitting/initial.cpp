// Where a fit begins: the visual hull of the pictures, filled at random.
#include <c10/core/GradMode.h>

#include <cmath>

#include "core/error.h"
#include "fitting/fit.h"

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
Tensor points_in_hull(const FitTargets& targets, int64_t count, const FitRegion& region, const at::Generator& generator) {
  const Tensor masks = silhouettes(targets);
  const Tensor centre = at::tensor({region.centre[0], region.centre[1], region.centre[2]}, at::kFloat);
  const auto draw = [&](int64_t points) {
    return ((at::rand({points, 3}, generator, at::kFloat) * 2 - 1) * region.half_width + centre).to(masks.device());
  };
  std::vector<Tensor> found;
  int64_t enough = count;
  const int64_t batch = std::min<int64_t>(most_candidates, std::max<int64_t>(count, 1 << 14));
  for (int64_t tried = 0; enough > 0 && tried < 64 * batch; tried += batch) {
    const Tensor points = draw(batch);
    const Samples seen = sample(masks, targets.cameras, points);
    const Tensor outside = seen.values.squeeze(1).lt(0.5).logical_and(seen.inside).any(0);
    found.push_back(points.index({outside.logical_not()}));
    enough -= found.back().size(0);
  }
  const Tensor hull = at::cat(found);
  if (hull.size(0) >= std::min<int64_t>(count, 32)) return hull.size(0) > count ? hull.slice(0, 0, count) : hull;
  return draw(count);
}

}  // namespace

FitRegion common_region(const Cameras& cameras) {
  const Tensor positions = cameras.positions().to(at::kCPU, at::kDouble);                             // [V, 3]
  const Tensor axes = cameras.world_to_camera.select(1, 2).slice(1, 0, 3).to(at::kCPU, at::kDouble);  // of unit length
  // Σ (I - d dᵀ)(x - o) = 0; the small term keeps cameras that look in parallel solvable.
  const Tensor across = at::eye(3, at::kDouble) - axes.unsqueeze(2) * axes.unsqueeze(1);
  const Tensor left = across.sum(0) + 1e-6 * at::eye(3, at::kDouble);
  const Tensor right = at::matmul(across, positions.unsqueeze(2)).sum(0) + 1e-6 * positions.mean(0).unsqueeze(1);
  const Tensor centre = at::linalg_solve(left, right).squeeze(1);
  const Tensor distances = at::linalg_vector_norm(positions - centre, 2, {1});
  const Tensor focal = cameras.intrinsics.to(at::kCPU, at::kDouble);
  const Tensor half_angles = at::minimum(0.5 * static_cast<double>(cameras.width) / focal.select(1, 0).select(1, 0),
                                         0.5 * static_cast<double>(cameras.height) / focal.select(1, 1).select(1, 1));
  return {{centre[0].item<double>(), centre[1].item<double>(), centre[2].item<double>()},
          std::max(1e-6, (distances * half_angles).min().item<double>())};
}

Gaussians initial_gaussians(const FitTargets& targets, int64_t count, uint64_t seed) {
  require(count > 0, "fit: {} Gaussians to start from", count);
  const c10::NoGradGuard no_grad;
  const at::Generator generator = make_generator(seed);
  const Tensor means = points_in_hull(targets, count, common_region(targets.cameras), generator);
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
