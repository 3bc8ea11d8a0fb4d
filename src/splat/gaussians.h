// 3D Gaussians, stored activated: world units, opacity 0-1, scale > 0, quaternions wxyz. Logits and logarithms exist only in
// files.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

struct Gaussians {
  Tensor means;      ///< [G, 3] world
  Tensor quats;      ///< [G, 4] w, x, y, z; the rasterizer normalises
  Tensor scales;     ///< [G, 3] standard deviations along the rotated axes, > 0
  Tensor opacities;  ///< [G] 0-1
  Tensor sh;         ///< [G, K, 3] spherical harmonics coefficients, K = (degree + 1)²; colour = max(SH(direction) + 0.5, 0)

  int64_t count() const { return means.size(0); }
  int64_t sh_degree() const;
  Gaussians select(const Tensor& indices_or_mask) const;
  Gaussians to(at::Device device) const;
  Gaussians detach() const;
};

/// Degree-0 coefficients [G, 1, 3] of RGB colours [G, 3] in 0-1, and back.
Tensor rgb_to_sh(const Tensor& rgb);
Tensor sh_to_rgb(const Tensor& sh);

/// Drops Gaussians whose opacity is below `min_opacity`.
Gaussians prune(const Gaussians& gaussians, double min_opacity);

}  // namespace gsv3d
