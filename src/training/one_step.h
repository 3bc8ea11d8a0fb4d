// One noising and one denoising of a batch of clips: the common core of diffusion training and of distillation.
#pragma once

#include "diffusion/diffusion_loss.h"
#include "diffusion/sampler.h"
#include "training/clip_batch.h"

namespace gsv3d {

struct OneStepOptions {
  NoiseLevels levels;
  double max_loss_weight = 0;  ///< upper bound of the loss's weight; 0: none
  double on_policy = 0;        ///< share of the clips at one of the sampler's levels that start from what the sampler has there
};

struct OneStep {
  Tensor sigma;       ///< [B] noise level of each clip
  Tensor all_sigmas;  ///< [share.whole] of the whole batch, on the CPU: to be looked at without waiting for the device
  Tensor estimate;    ///< [B, N, z, h, w] estimate of the clean scaled latents, float32, SV3D's frame order
  /// [B] mean squared error of the estimate, weighted by (sigma² + 1) / sigma²: the error of the v-prediction. A given photo's
  /// frame (Conditioning::photo_latent) does not count.
  Tensor loss;
};

/// Draws a noise level per clip and noise per frame from (seed, step), and lets the network estimate the clean latents at once.
/// The clips of `batch` are `share` of those that the step has.
OneStep one_step(const VideoUNet& unet, const ModelConfig& model, const ClipBatch& batch, const Conditioning& conditioning,
                 const BatchShare& share, const OneStepOptions& options, uint64_t seed, int64_t step);

}  // namespace gsv3d
