#include "image/depth_image.h"

#include <numbers>

#include "core/error.h"

namespace gsv3d {
namespace {

/// OKLab → sRGB bytes (https://bottosson.github.io/posts/oklab/), clipped to the gamut.
std::array<uint8_t, 3> oklab_to_srgb(double lightness, double a, double b) {
  const double l = std::pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
  const double m = std::pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
  const double s = std::pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
  const std::array<double, 3> linear = {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                                        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                                        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
  std::array<uint8_t, 3> bytes;
  for (int c = 0; c < 3; ++c) {
    const double value = std::clamp(linear[c], 0.0, 1.0);
    const double encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * std::pow(value, 1 / 2.4) - 0.055;
    bytes[c] = static_cast<uint8_t>(std::lround(255 * encoded));
  }
  return bytes;
}

/// 0 (far): dark blue; 1 (near): light yellow. The hue turns from blue over green to yellow while lightness rises evenly.
std::array<uint8_t, 3> depth_colour(double nearness) {
  const double lightness = 0.28 + 0.66 * nearness, hue = (285 - 180 * nearness) * std::numbers::pi / 180;
  const double chroma = 0.10 + 0.05 * std::sin(std::numbers::pi * nearness);
  return oklab_to_srgb(lightness, chroma * std::cos(hue), chroma * std::sin(hue));
}

/// The 1st to 99th percentile of some depths; 0 to 1 of none.
DepthRange usual_range(const Tensor& depths) {
  const int64_t count = depths.numel();
  if (count == 0) return {0, 1};
  const Tensor sorted = std::get<0>(depths.sort());
  return {sorted[(count - 1) / 100].item<double>(), sorted[count - 1 - (count - 1) / 100].item<double>()};
}

}  // namespace

Image depth_to_image(const Tensor& depth, const Tensor& alpha, std::optional<DepthRange> given) {
  require(depth.dim() == 2 && depth.sizes() == alpha.sizes() && depth.numel() > 0,
          "depth_to_image: expected depth and alpha [H, W] of one size, got {} and {}", fmt::join(depth.sizes(), " x "),
          fmt::join(alpha.sizes(), " x "));
  const Tensor z = depth.detach().to(at::kCPU, at::kFloat).contiguous();
  const Tensor cover = at::nan_to_num(alpha.detach().to(at::kCPU, at::kFloat), 0.0).clamp(0, 1).contiguous();
  const Tensor known = at::isfinite(z);
  const auto [nearest, farthest] = given ? *given : usual_range(z.masked_select(known.logical_and(cover > 0.5)));
  const double range = farthest > nearest ? farthest - nearest : 1;

  Image image = blank_image(z.size(1), z.size(0), 255, 255, 255);
  const auto *values = z.const_data_ptr<float>(), *covers = cover.const_data_ptr<float>();
  for (int64_t i = 0; i < z.numel(); ++i) {
    if (!std::isfinite(values[i])) continue;
    const auto colour = depth_colour(std::clamp((farthest - values[i]) / range, 0.0, 1.0));
    uint8_t* pixel = image.pixels.data() + 4 * i;
    for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uint8_t>(std::lround(colour[c] * covers[i] + 255 * (1 - covers[i])));
  }
  return image;
}

}  // namespace gsv3d
