// Depth maps as pictures for people.
#pragma once

#include <optional>

#include "image/image.h"

namespace gsv3d {

/// Which depths are drawn as near and far.
struct DepthRange {
  double nearest, farthest;
};

/// depth [H, W] (camera z, any unit), alpha [H, W] in 0-1 → an opaque picture on white: near is light yellow, far is dark blue,
/// spread over `range`, else over the 1st to 99th percentile of the pixels with alpha > 0.5. Lightness rises evenly (OKLab,
/// Ottosson 2020), so the picture also reads in grey. Throws Error when the shapes differ.
Image depth_to_image(const Tensor& depth, const Tensor& alpha, std::optional<DepthRange> range = {});

}  // namespace gsv3d
