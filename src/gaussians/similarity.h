// Turning, scaling, moving and recolouring Gaussians as a whole.
#pragma once

#include <array>
#include <functional>

#include "gaussians/gaussians.h"

namespace gsv3d {

/// x → scale · rotation · x + translation.
struct Similarity {
  std::array<double, 9> rotation = {1, 0, 0, 0, 1, 0, 0, 0, 1};  ///< rows of a rotation matrix (determinant +1)
  double scale = 1;                                              ///< > 0
  std::array<double, 3> translation = {0, 0, 0};
};

/// The object as a whole moved so: means, rotations, scales, and the spherical harmonics, whose directions turn with the object.
/// Throws Error when `rotation` is no rotation or `scale` not positive.
Gaussians transform(const Gaussians& gaussians, const Similarity& similarity);

/// The matrix [2l+1, 2l+1] (double) that turns the coefficients of degree l = 1, 2 or 3 with the object: the function that
/// coefficients c describe, looked at from direction d, equals the one of D·c looked at from rotation·d.
Tensor sh_rotation(int64_t degree, const std::array<double, 9>& rotation);

/// Harmonics [G, K, 3] of the colours that those of `sh` become under `map`, a function of tensors of colours (at least 0): exact
/// for K = 1, otherwise the nearest by least squares over directions spread evenly.
Tensor mapped_colours(const Tensor& sh, const std::function<Tensor(const Tensor&)>& map);

}  // namespace gsv3d
