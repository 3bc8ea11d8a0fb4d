// Lenses that bend straight lines, as OpenCV describes them, and pictures freed from what they do.
#pragma once

#include <array>

#include "core/tensor.h"

namespace gsv3d {

/// With (x, y) the direction of a point over its depth and r² = x² + y², a perspective lens shows it at
///   x (1 + k1 r² + k2 r⁴ + k3 r⁶) + 2 p1 x y + p2 (r² + 2 x²), and y likewise with p1 and p2 exchanged;
/// a fisheye lens at (x, y) / r · θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸), θ = atan r (calib3d of OpenCV 4).
struct LensDistortion {
  bool fisheye = false;
  std::array<double, 4> radial = {};      ///< k1 … k4; a perspective lens has no k4
  std::array<double, 2> tangential = {};  ///< p1, p2; a fisheye lens has none

  /// Whether pictures are what a pinhole sees.
  bool none() const;
};

/// Where the lens shows the points that a pinhole shows at (x, y) [N, 2], both over depth.
Tensor distorted(const Tensor& points, const LensDistortion& lens);

/// What a pinhole with the same intrinsics [3, 3] (pixels, centres at +0.5) sees: a picture [4, H, W], RGBA in 0-1, colour not
/// premultiplied, sampled bilinearly. Pixels that the lens did not show are transparent, or white where the picture has no
/// transparency, so that it gets none.
Tensor undistorted(const Tensor& rgba, const Tensor& intrinsics, const LensDistortion& lens);

}  // namespace gsv3d
