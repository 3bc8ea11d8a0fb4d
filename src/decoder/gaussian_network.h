// What all ways from photo and views to Gaussians have in common: ours and its relatives (docs/decoder.md).
#pragma once

#include <vector>

#include "camera/camera.h"
#include "core/tensor.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

/// What a network is given: as GaussianDecoder's arguments, which checks them.
struct DecoderInput {
  const Tensor& latents;                ///< [B, N, C, h, w]
  const std::vector<Cameras>& cameras;  ///< N per item
  const Tensor& context;                ///< [B, T, context_dim]
  const Tensor& pictures;               ///< [B, N, 3 or 4, S, S], where the configuration sees_pictures()
};

class GaussianNetwork {
 public:
  virtual ~GaussianNetwork() = default;
  /// The Gaussians of all items, item-major, equally many of each.
  virtual Gaussians operator()(const DecoderInput& input) const = 0;
};

}  // namespace gsv3d
