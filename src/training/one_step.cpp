#include "training/one_step.h"

#include <c10/core/GradMode.h>

#include <cmath>

#include "training/photo_conditioning.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

/// What the sampler has at each of its levels when it starts from this noise: [levels, B, N, z, h, w], no gradients. Runs the
/// network once less often than there are levels.
Tensor sampled_states(const VideoUNet& unet, const SamplerConfig& config, const Tensor& noise, const Conditioning& conditioning) {
  const c10::NoGradGuard no_grad;
  const double sigma_max = sampler_level_values(config).front();
  std::vector<Tensor> states = {noise * std::sqrt(sigma_max * sigma_max + 1)};
  SampleOptions options;
  options.end_step = config.steps - 1;
  sample(
      unet, config, noise, conditioning, [&](const SamplerStep& step) { states.push_back(step.x_next); }, options);
  return at::stack(states).unflatten(1, {-1, conditioning.frames});
}

/// The clips' noisy latents, where `chosen` [B] (on the device) those of the sampler, else clean + sigma · noise; clip-major.
Tensor on_policy_latents(const Tensor& states, const Tensor& noisy, const Tensor& index, const Tensor& chosen) {
  const int64_t clips = index.size(0);
  const Tensor rows = at::arange(clips, index.options()), sampled = states.index({index.clamp_min(0), rows});
  return at::where(chosen.reshape({-1, 1, 1, 1, 1}), sampled, noisy.unflatten(0, {clips, -1})).flatten(0, 1);
}

}  // namespace

OneStep one_step(const VideoUNet& unet, const ModelConfig& model, const ClipBatch& batch, const Conditioning& conditioning,
                 const BatchShare& share, const OneStepOptions& options, uint64_t seed, int64_t step) {
  const Tensor clean = clean_frames(model, batch);
  const at::Device device = clean.device();
  const int64_t clips = batch.count();
  const DrawnLevels drawn =
      draw_noise_levels(share.whole, options.levels, model.sampler, make_generator(step_seed(seed, step, "sigma")));
  OneStep result;
  result.all_sigmas = drawn.sigma;
  result.sigma = share.of(drawn.sigma).to(device, /*non_blocking=*/true);
  std::vector<int64_t> sizes = clean.sizes().vec();
  sizes[0] = share.whole * batch.frames();
  const Tensor noise = share.of(seeded_randn(sizes, step_seed(seed, step, "noise"), device), batch.frames());
  const Tensor levels = share.of(drawn.index);
  const Tensor frame_sigma = result.sigma.repeat_interleave(batch.frames(), /*dim=*/0, clean.size(0));
  Tensor noisy = clean + noise * frame_sigma.reshape({-1, 1, 1, 1});
  if (options.on_policy > 0) {
    const Tensor lot =
        at::rand({share.whole}, make_generator(step_seed(seed, step, "on policy")), at::TensorOptions().dtype(at::kFloat));
    const Tensor chosen = (share.of(lot) < options.on_policy).logical_and(levels >= 0).to(device, /*non_blocking=*/true);
    noisy = on_policy_latents(sampled_states(unet, model.sampler, noise, conditioning), noisy,
                              levels.to(device, /*non_blocking=*/true), chosen);
  }
  result.estimate = denoise(unet, noisy, frame_sigma, conditioning).unflatten(0, {clips, batch.frames()});
  const Tensor error = (result.estimate - clean.view_as(result.estimate)).square();
  // The photo's frame comes last.
  const int64_t counting = conditioning.photo_latent.defined() ? batch.frames() - 1 : batch.frames();
  Tensor weight = v_loss_weight(result.sigma);
  if (options.max_loss_weight > 0) weight = weight.clamp_max(options.max_loss_weight);
  result.loss = weight * error.narrow(1, 0, counting).mean({1, 2, 3, 4});
  return result;
}

}  // namespace gsv3d
