#include "gaussians/bounds.h"

namespace gsv3d {
namespace {

constexpr double kOutliers = 0.005, kLeastOpacity = 0.05;

}  // namespace

Tensor share_below(const Tensor& values, double share) {
  const auto rank = static_cast<int64_t>(std::llround(share * static_cast<double>(values.size(0) - 1)));
  return std::get<0>(values.kthvalue(rank + 1, 0));
}

Ball visible_ball(const Gaussians& gaussians) {
  if (gaussians.count() == 0) return {};
  const auto all = gaussians.detach().to(at::kCPU);
  auto visible = prune(all, kLeastOpacity);
  if (visible.count() == 0) visible = all;
  const Tensor centre = (share_below(visible.means, kOutliers) + share_below(visible.means, 1 - kOutliers)) / 2;
  const Tensor reach = (visible.means - centre).norm(2, 1) + 2 * visible.scales.amax(1);
  Ball ball;
  for (int c = 0; c < 3; ++c) ball.centre[c] = centre[c].item<double>();
  ball.radius = std::max(1e-9, share_below(reach.unsqueeze(1), 1 - kOutliers).item<double>());
  return ball;
}

}  // namespace gsv3d
