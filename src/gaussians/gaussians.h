// 3D Gaussians, stored activated: world units, opacity 0-1, scale > 0, quaternions wxyz. Logits and logarithms exist only in
// files.
#pragma once

#include <string>

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
  Gaussians slice(int64_t begin, int64_t end) const;  ///< views of [begin, end)
  Gaussians to(at::Device device) const;
  Gaussians detach() const;
};

/// Degree-0 coefficients [G, 1, 3] of RGB colours [G, 3] in 0-1, and back.
Tensor rgb_to_sh(const Tensor& rgb);
Tensor sh_to_rgb(const Tensor& sh);

/// Throws Error unless every value is finite; the message begins with `where` and names the first Gaussian that is not.
void require_finite(const Gaussians& gaussians, const std::string& where);

/// Drops Gaussians whose opacity is below `min_opacity`.
Gaussians prune(const Gaussians& gaussians, double min_opacity);

}  // namespace gsv3d
