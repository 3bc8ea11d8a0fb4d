#include "diffusion/diffusion_loss.h"

#include <algorithm>

#include "core/error.h"

namespace gsv3d {

Tensor sample_training_sigmas(int64_t n, double p_mean, double p_std, const at::Generator& generator) {
  require(p_std >= 0, "the deviation of ln sigma must not be negative, found {}", p_std);
  return (randn({n}, generator) * p_std + p_mean).exp();
}

Tensor sampler_levels(const SamplerConfig& sampler) {
  return edm_sigmas(sampler.steps, sampler.sigma_min, sampler.sigma_max, sampler.rho).narrow(0, 0, sampler.steps);
}

std::vector<double> sampler_level_values(const SamplerConfig& sampler) {
  const Tensor levels = sampler_levels(sampler).to(at::kDouble);
  return {levels.const_data_ptr<double>(), levels.const_data_ptr<double>() + levels.numel()};
}

DrawnLevels draw_noise_levels(int64_t n, const NoiseLevels& levels, const SamplerConfig& sampler,
                              const at::Generator& generator) {
  require(levels.sampler_share >= 0 && levels.sampler_share <= 1 && levels.first_share >= 0 && levels.first_share <= 1,
          "noise levels: sampler_share {} and first_share {} must be shares", levels.sampler_share, levels.first_share);
  const Tensor wide = sample_training_sigmas(n, levels.p_mean, levels.p_std, generator);
  if (levels.sampler_share <= 0) return {wide, at::full({n}, -1, at::kLong)};
  const Tensor table = sampler_levels(sampler);
  const int64_t others = table.size(0) - 1;
  const auto uniform = [&] { return at::rand({n}, generator, at::TensorOptions().dtype(at::kFloat)); };
  const Tensor from_table = uniform() < levels.sampler_share, first = uniform() < (others > 0 ? levels.first_share : 1);
  const Tensor later = 1 + (uniform() * others).to(at::kLong).clamp_max(std::max<int64_t>(others - 1, 0));
  const Tensor index = later.masked_fill(first, 0).masked_fill(from_table.logical_not(), -1);
  return {at::where(from_table, table.index_select(0, index.clamp_min(0)), wide), index};
}

Tensor one_step_estimate(const VideoUNet& unet, const Tensor& clean, const Tensor& noise, const Tensor& sigma,
                         const Conditioning& conditioning) {
  require(clean.sizes() == noise.sizes(), "one-step estimate: latents and noise have different shapes");
  require(sigma.dim() == 1 && sigma.size(0) * conditioning.frames == clean.size(0),
          "one-step estimate: {} noise levels for {} images in clips of {}", sigma.numel(), clean.size(0), conditioning.frames);
  const Tensor frame_sigma = sigma.repeat_interleave(conditioning.frames);
  return denoise(unet, clean + noise * frame_sigma.reshape({-1, 1, 1, 1}), frame_sigma, conditioning);
}

Tensor v_loss_weight(const Tensor& sigma) {
  return 1 + sigma.square().reciprocal();
}

}  // namespace gsv3d
