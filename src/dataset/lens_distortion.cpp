#include "dataset/lens_distortion.h"

#include <algorithm>

namespace gsv3d {
namespace {

/// The factor on r (perspective) or θ (fisheye) by powers of its square.
Tensor radial_factor(const Tensor& squared, const LensDistortion& lens) {
  const auto [k1, k2, k3, k4] = lens.radial;
  return 1 + squared * (k1 + squared * (k2 + squared * (k3 + squared * k4)));
}

/// The radius up to which the lens shows points in order: beyond it the polynomial turns back, and would show them twice.
double reach_of(const LensDistortion& lens, double largest) {
  constexpr int64_t kSteps = 4096;
  const Tensor radii = at::linspace(0, largest, kSteps, at::kDouble);
  const Tensor shown = distorted(at::stack({radii, at::zeros_like(radii)}, 1), {lens.fisheye, lens.radial, {}}).select(1, 0);
  const Tensor back = (shown.slice(0, 1) <= shown.slice(0, 0, -1)).nonzero();
  return back.numel() ? radii[back[0][0]].item<double>() : largest;
}

}  // namespace

bool LensDistortion::none() const {
  const auto negligible = [](double coefficient) { return std::abs(coefficient) < 1e-9; };
  return !fisheye && std::all_of(radial.begin(), radial.end(), negligible) &&
         std::all_of(tangential.begin(), tangential.end(), negligible);
}

Tensor distorted(const Tensor& points, const LensDistortion& lens) {
  const Tensor x = points.select(1, 0), y = points.select(1, 1), squared = x * x + y * y;
  if (lens.fisheye) {
    const Tensor r = squared.sqrt(), angle = r.atan();
    const Tensor factor = at::where(r > 1e-9, angle / r.clamp_min(1e-9), at::ones_like(r)) * radial_factor(angle * angle, lens);
    return points * factor.unsqueeze(1);
  }
  const auto [p1, p2] = lens.tangential;
  const Tensor factor = radial_factor(squared, lens);
  return at::stack(
      {x * factor + 2 * p1 * x * y + p2 * (squared + 2 * x * x), y * factor + p1 * (squared + 2 * y * y) + 2 * p2 * x * y}, 1);
}

Tensor undistorted(const Tensor& rgba, const Tensor& intrinsics, const LensDistortion& lens) {
  const int64_t height = rgba.size(1), width = rgba.size(2);
  const Tensor k = intrinsics.to(at::kDouble);
  const Tensor focal = at::stack({k[0][0], k[1][1]}), centre = at::stack({k[0][2], k[1][2]});
  const Tensor columns = at::arange(width, at::kDouble) + 0.5, rows = at::arange(height, at::kDouble) + 0.5;
  const Tensor pixels = at::stack({columns.expand({height, width}), rows.unsqueeze(1).expand({height, width})}, 2).view({-1, 2});
  const Tensor points = (pixels - centre) / focal, radii = points.norm(2, 1);
  const Tensor size = at::tensor({static_cast<double>(width), static_cast<double>(height)}, at::kDouble);
  const Tensor place = (distorted(points, lens) * focal + centre) / size * 2 - 1;  // -1 … 1 across the picture
  const Tensor shown = place.abs().le(1).all(1).logical_and(radii <= reach_of(lens, radii.max().item<double>()));

  const Tensor alpha = rgba.slice(0, 3, 4);
  const bool opaque = alpha.eq(1).all().item<bool>();
  const Tensor premultiplied = at::cat({rgba.slice(0, 0, 3) * alpha, alpha}).unsqueeze(0);
  const Tensor grid = place.clamp(-2, 2).to(at::kFloat).view({1, height, width, 2});
  const Tensor sampled = at::grid_sampler_2d(premultiplied, grid, /*bilinear=*/0, /*border=*/1, /*align_corners=*/false)[0];
  const Tensor cover = opaque ? alpha : sampled.slice(0, 3, 4);  // without the sampling's rounding
  const Tensor colour = sampled.slice(0, 0, 3) / cover.clamp_min(1e-6);
  const Tensor elsewhere = at::cat({at::ones({3, 1, 1}), at::full({1, 1, 1}, opaque ? 1.0 : 0.0)});
  return at::where(shown.view({1, height, width}), at::cat({colour, cover}), elsewhere.expand_as(sampled));
}

}  // namespace gsv3d
