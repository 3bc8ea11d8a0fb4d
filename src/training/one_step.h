// One noising and one denoising of a batch of clips: the common core of diffusion training and of distillation.
#pragma once

#include "diffusion/sampler.h"
#include "training/clip_batch.h"

namespace gsv3d {

struct NoiseLevels {
  double p_mean = 0.7, p_std = 1.6;  ///< of ln sigma, normal
};

struct OneStep {
  Tensor sigma;     ///< [B] noise level of each clip
  Tensor estimate;  ///< [B, N, z, h, w] estimate of the clean scaled latents, float32, SV3D's frame order
  Tensor loss;  ///< [B] mean squared error of the estimate, weighted by (sigma² + 1) / sigma²: the error of the v-prediction
};

/// Draws a noise level per clip and noise per frame from (seed, step), and lets the network estimate the clean latents at once.
OneStep one_step(const VideoUNet& unet, const ModelConfig& model, const ClipBatch& batch, const Conditioning& conditioning,
                 const NoiseLevels& levels, uint64_t seed, int64_t step);

}  // namespace gsv3d
