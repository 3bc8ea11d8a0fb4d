// Elementwise operations that write into their first argument when nobody needs its old value for a gradient. At 21 × 576² one
// activation of the first level is 140 MB, so a fresh tensor per operation is felt both in memory and in bandwidth.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// SiLU. `x` must be a result that nobody else holds.
inline Tensor silu_reusing(Tensor x) {
  return x.requires_grad() ? at::silu(x) : at::silu_(x);
}

/// x + y, y broadcast to x. `x` must be a result that nobody else holds.
inline Tensor add_reusing(Tensor x, const Tensor& y) {
  if (x.requires_grad() || y.requires_grad()) return at::add(x, y);
  return x.add_(y);
}

/// x · y, equal shapes. `x` must be a result that nobody else holds.
inline Tensor multiply_reusing(Tensor x, const Tensor& y) {
  if (x.requires_grad() || y.requires_grad()) return at::mul(x, y);
  return x.mul_(y);
}

}  // namespace gsv3d
