#include "diffusion/diffusion_loss.h"

#include "core/error.h"

namespace gsv3d {

Tensor sample_training_sigmas(int64_t n, double p_mean, double p_std, const at::Generator& generator) {
  require(p_std >= 0, "the deviation of ln sigma must not be negative, found {}", p_std);
  return (randn({n}, generator) * p_std + p_mean).exp();
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
