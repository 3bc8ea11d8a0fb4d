// The training side of the v-preconditioned EDM denoiser (arXiv 2206.00364; sgm/modules/diffusionmodules: sigma_sampling.py
// EDMSampling, denoiser_weighting.py VWeighting, loss.py StandardDiffusionLoss).
#pragma once

#include "diffusion/conditioning.h"
#include "diffusion/sampler.h"

namespace gsv3d {

/// Noise levels for `n` training clips: ln σ normal with mean p_mean and deviation p_std → [n] float32 on the CPU. SVD and SV3D
/// fine-tunings use p_mean 0.7 to 1, p_std 1.6, far above EDM's -1.2 and 1.2: video latents are redundant and need more noise
/// before structure goes. Throws Error when p_std is negative.
Tensor sample_training_sigmas(int64_t n, double p_mean, double p_std, const at::Generator& generator);

/// The noise levels at which a sampler evaluates its network, descending: edm_sigmas without the zero → [steps] float32.
Tensor sampler_levels(const SamplerConfig& sampler);

std::vector<double> sampler_level_values(const SamplerConfig& sampler);

/// How training draws a clip's noise level: with probability sampler_share one of the sampler's own levels, else log-normal.
struct NoiseLevels {
  double p_mean = 0.7, p_std = 1.6;  ///< of ln sigma, normal: sample_training_sigmas
  double sampler_share = 0;          ///< 0: SVD's and SV3D's way
  double first_share = 0.5;          ///< of sampler_share: the largest level; the others share the rest equally
};
struct DrawnLevels {
  Tensor sigma;  ///< [n] float32 on the CPU
  Tensor index;  ///< [n] int64 on the CPU: which of the sampler's levels; -1: none of them
};
/// Without sampler_share `sigma` is sample_training_sigmas of the same generator. Throws Error when a share is outside 0 … 1.
DrawnLevels draw_noise_levels(int64_t n, const NoiseLevels& levels, const SamplerConfig& sampler, const at::Generator& generator);

/// The network's estimate of the clean latents from one noising, with gradients: D(z0 + σ·noise; σ). clean and noise [B·F, z, h,
/// w] (scaled latents, clip-major), sigma [B]: all frames of a clip share their noise level → [B·F, z, h, w] float32. Throws
/// Error when counts do not fit.
Tensor one_step_estimate(const VideoUNet& unet, const Tensor& clean, const Tensor& noise, const Tensor& sigma,
                         const Conditioning& conditioning);

/// The weight (σ² + 1) / σ² of the squared error of the estimate. It equals 1 / c_out², so the weighted loss is the plain squared
/// error of the v-prediction itself: every noise level weighs the same at the network's output. sigma of any shape → the same
/// shape.
Tensor v_loss_weight(const Tensor& sigma);

}  // namespace gsv3d
