// From the latents of clips to their Gaussians, as `generate` goes: the one way there for all stages.
#pragma once

#include <optional>
#include <vector>

#include "decoder/dinov2.h"
#include "decoder/gaussian_decoder.h"
#include "diffusion/autoencoder.h"
#include "models/model_folder.h"

namespace gsv3d {

/// The networks that it takes, all of one model.
struct ClipDecoder {
  const ModelConfig& model;
  const Dinov2& dino;
  const GaussianDecoder& decoder;
  const std::optional<AutoencoderDecoder>& autoencoder;  ///< needed when the decoder sees_pictures()
};

struct ClipInput {
  Tensor latents;                ///< [B, N, z, h, w] scaled, design order, view 0 the photo's own
  Tensor photos;                 ///< [B, 4, S, S] pictures
  std::vector<Cameras> cameras;  ///< N per clip
  /// [B, N, 4, S, S] pictures of the views; undefined: clip_pictures() of the latents.
  Tensor pictures = {};
  /// Gradients flow from the Gaussians through the pictures' colours and silhouettes, by way of the autoencoder, to the latents.
  bool picture_gradients = false;
};

/// The pictures that `generate` would show the Gaussian decoder: views 1 … N-1 decoded from their latents, in 0-1, view 0 the
/// photo itself. [B, N, 3 or 4, S, S] float32, as many channels as the autoencoder has.
Tensor clip_pictures(const ClipDecoder& networks, const ClipInput& input);

/// One set of Gaussians per clip.
std::vector<Gaussians> decode_clips(const ClipDecoder& networks, const ClipInput& input);

}  // namespace gsv3d
