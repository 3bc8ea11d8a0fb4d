// Gaussians in the loop at generation: the network's estimate of the views is made one object, and sampling goes on from what
// that object looks like. Views that disagree are brought together while they can still be repaired.
#pragma once

#include <functional>

#include "core/tensor.h"

namespace gsv3d {

struct GaussianLoop {
  Tensor photo_latent;  ///< [1, z, h, w] scaled: it stands for view 0
  /// Scaled latents [N, z, h, w] in the design's order → what their object looks like from the same N cameras: pictures.
  std::function<Tensor(const Tensor& latents)> render;
  std::function<Tensor(const Tensor& pictures)> encode;  ///< pictures [N, 4, S, S] → scaled latents [N, z, h, w]
  double share = 1;  ///< of the rendered views in the result; the rest is the network's own estimate

  /// The sampler's estimate [N, z, h, w], SV3D's order of frames → the corrected one, its last frame the photo's latent.
  Tensor operator()(const Tensor& denoised) const;
};

}  // namespace gsv3d
