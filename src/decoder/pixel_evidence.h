// What the pictures of the views say about each output pixel of the Gaussian decoder before anything is learned.
#pragma once

#include "camera/camera.h"
#include "core/tensor.h"
#include "decoder/visual_hull.h"

namespace gsv3d {

/// V = B·N views, item-major, output resolution.
struct PixelEvidence {
  Tensor rgb;       ///< [V, 3, H, W] over white
  Tensor alpha;     ///< [V, 1, H, W]
  Tensor distance;  ///< [V, 1, H, W] of the visual hull along the pixel's ray
  Tensor hit;       ///< [V, 1, H, W] how surely the ray meets the hull

  /// [V, H, W, evidence_channels] about -1 to 1, for the network.
  Tensor features() const;
  /// [V, 3, H, W]: the colour itself, without the white behind it; white where there is nothing.
  Tensor straight_colour() const;
};

/// rgb, alpha, distance, hit, and the distance's slopes across and down the picture.
inline constexpr int64_t evidence_channels = 8;

/// [V, C, h, w] → [V, C, H, W]: area average where that is smaller, else bilinear.
Tensor resampled(const Tensor& images, int64_t height, int64_t width);

/// pictures [B, N, 3 or 4, S, S] in 0-1 (RGB over white, alpha), cameras of the B·N views; silhouettes [B, N, H, W]: undefined
/// where the pictures' alpha serves.
PixelEvidence gather_evidence(const VisualHullConfig& config, const Tensor& pictures, const Tensor& silhouettes,
                              const Cameras& cameras, int64_t height, int64_t width);

}  // namespace gsv3d
