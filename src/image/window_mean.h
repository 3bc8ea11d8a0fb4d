// Means over squares of pixels.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// The mean of the square of 2 · reach + 1 pixels around each pixel of x [B, C, H, W]; outside the picture is 0.
inline Tensor window_mean(const Tensor& x, int64_t reach) {
  return at::avg_pool2d(x, {2 * reach + 1, 2 * reach + 1}, {1, 1}, {reach, reach}, /*ceil_mode=*/false,
                        /*count_include_pad=*/true);
}

}  // namespace gsv3d
