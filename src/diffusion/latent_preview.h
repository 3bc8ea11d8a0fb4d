// Small pictures of latents without the autoencoder: an affine map from a latent's channels to colour, fitted to the one pair
// that is known, the photo and its own latent. It needs no table of numbers for each autoencoder, and costs nothing.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

class LatentPreview {
 public:
  /// The photo's latent [1, z, h, w], scaled, and the photo [1, 3, S, S] in 0-1.
  LatentPreview(const Tensor& photo_latent, const Tensor& photo);
  /// Scaled latents [N, z, h, w] → [N, 3, h, w] in 0-1, on the CPU.
  Tensor operator()(const Tensor& latents) const;

 private:
  Tensor map_;  // [z + 1, 3]; the last row is the offset
};

}  // namespace gsv3d
