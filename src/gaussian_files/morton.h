// Morton (Z-order) codes: sorting points by them puts neighbours in space beside each other.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// The order [N] that sorts points [N, 3] by the Morton code of their place in their bounding box, 10 bits per axis.
Tensor morton_order(const Tensor& points);

}  // namespace gsv3d
