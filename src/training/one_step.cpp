#include "training/one_step.h"

#include "diffusion/diffusion_loss.h"
#include "training/photo_conditioning.h"
#include "training/seeds.h"

namespace gsv3d {

OneStep one_step(const VideoUNet& unet, const ModelConfig& model, const ClipBatch& batch, const Conditioning& conditioning,
                 const NoiseLevels& levels, uint64_t seed, int64_t step) {
  const Tensor clean = clean_frames(model, batch);
  const at::Device device = clean.device();
  OneStep result;
  result.sigma =
      sample_training_sigmas(batch.count(), levels.p_mean, levels.p_std, make_generator(step_seed(seed, step, "sigma")))
          .to(device);
  const Tensor noise = randn(clean.sizes(), make_generator(step_seed(seed, step, "noise"))).to(device);
  const Tensor estimate = one_step_estimate(unet, clean, noise, result.sigma, conditioning);
  const Tensor error = (estimate - clean).square().unflatten(0, {batch.count(), batch.frames()}).mean({1, 2, 3, 4});
  result.estimate = estimate.unflatten(0, {batch.count(), batch.frames()});
  result.loss = v_loss_weight(result.sigma) * error;
  return result;
}

}  // namespace gsv3d
