// Rotations as matrices and as the quaternions that Gaussians store.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// Unit quaternions (w, x, y, z) [C, 4] of rotation matrices [C, 3, 3]; exact for every angle (no division by a small number:
/// Shepperd 1978).
Tensor quaternions_from_matrices(const Tensor& rotations);

/// Matrices L [V, 4, 4] with L q = p ⊗ q (first q, then p) for quaternions p [V, 4].
Tensor left_products(const Tensor& p);

}  // namespace gsv3d
