#include "decoder/pixel_evidence.h"

#include "core/device.h"
#include "core/error.h"

namespace gsv3d {
namespace {

constexpr double kDistanceUnit = 0.35;  // how far the head may move a Gaussian from the hull

/// Central differences along an axis, one-sided halves at the border.
Tensor slope(const Tensor& values, int64_t axis) {
  const int64_t size = values.size(axis);
  const Tensor ahead = at::cat({values.narrow(axis, 1, size - 1), values.narrow(axis, size - 1, 1)}, axis);
  const Tensor behind = at::cat({values.narrow(axis, 0, 1), values.narrow(axis, 0, size - 1)}, axis);
  return (ahead - behind) / 2;
}

}  // namespace

Tensor resampled(const Tensor& images, int64_t height, int64_t width) {
  if (images.size(2) == height && images.size(3) == width) return images;
  if (images.size(2) >= height && images.size(3) >= width) return at::adaptive_avg_pool2d(images, {height, width});
  return at::upsample_bilinear2d(images, {height, width}, /*align_corners=*/false);
}

PixelEvidence gather_evidence(const VisualHullConfig& config, const Tensor& pictures, const Tensor& silhouettes,
                              const Cameras& cameras, int64_t height, int64_t width) {
  const int64_t items = pictures.size(0), views = pictures.size(1);
  const Autocast off(pictures.device().type(), at::kFloat);
  const Tensor small = resampled(pictures.flatten(0, 1), height, width);
  PixelEvidence evidence;
  evidence.rgb = small.narrow(1, 0, 3);
  if (silhouettes.defined()) {
    evidence.alpha = silhouettes.to(small.scalar_type()).flatten(0, 1).unsqueeze(1);
  } else {
    require(pictures.size(2) == 4, "Gaussian decoder: a hull of the pictures' alpha, and pictures of {} channels",
            pictures.size(2));
    evidence.alpha = small.narrow(1, 3, 1);
  }
  const HullSurface hull = visual_hull(config, evidence.alpha.reshape({items, views, height, width}), cameras, height, width);
  evidence.distance = hull.distance.flatten(0, 1).unsqueeze(1);
  evidence.hit = hull.hit.flatten(0, 1).unsqueeze(1);
  return evidence;
}

Tensor PixelEvidence::features() const {
  // Slopes across a silhouette's edge are large and say nothing.
  const auto bounded_slope = [&](int64_t axis) { return (slope(distance, axis) * (4 / kDistanceUnit)).clamp(-1, 1); };
  const double middle = 2;  // the camera's distance from the origin
  return at::cat(
             {rgb * 2 - 1, alpha * 2 - 1, (distance - middle) / kDistanceUnit, hit * 2 - 1, bounded_slope(3), bounded_slope(2)},
             1)
      .permute({0, 2, 3, 1});
}

Tensor PixelEvidence::straight_colour() const {
  // rgb = alpha · colour + 1 - alpha; faint pixels would only amplify noise.
  constexpr double least_alpha = 0.1;
  return (1 + (rgb - 1) / alpha.clamp_min(least_alpha)).clamp(0, 1);
}

}  // namespace gsv3d
