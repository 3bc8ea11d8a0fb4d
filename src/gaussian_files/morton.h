// Morton (Z-order) codes: sorting points by them puts neighbours in space beside each other.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// The order [N] that sorts points [N, 3] by the Morton code of their place in the box that holds all but the outermost 0.5 % at
/// either end of each axis, 10 bits per axis. Points that are farther from it than it is large come last, the nearest first: one
/// far point neither spoils the order of the others nor gets in among them.
Tensor morton_order(const Tensor& points);

}  // namespace gsv3d
