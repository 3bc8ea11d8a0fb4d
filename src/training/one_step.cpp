#include "training/one_step.h"

#include "training/photo_conditioning.h"
#include "training/seeds.h"

namespace gsv3d {

OneStep one_step(const VideoUNet& unet, const ModelConfig& model, const ClipBatch& batch, const Conditioning& conditioning,
                 const NoiseLevels& levels, uint64_t seed, int64_t step) {
  const Tensor clean = clean_frames(model, batch);
  const at::Device device = clean.device();
  OneStep result;
  result.sigma = 
      (randn({batch.count()}, make_generator(step_seed(seed, step, "sigma"))) * levels.p_std + levels.p_mean).exp().to(device);
  const Tensor frame_sigma = result.sigma.repeat_interleave(batch.frames());
  const Tensor noise = randn(clean.sizes(), make_generator(step_seed(seed, step, "noise"))).to(device);
  const Tensor estimate = denoise(unet, clean + noise * frame_sigma.reshape({-1, 1, 1, 1}), frame_sigma, conditioning);
  const Tensor error = (estimate - clean).square().unflatten(0, {batch.count(), batch.frames()}).mean({1, 2, 3, 4});
  result.estimate = estimate.unflatten(0, {batch.count(), batch.frames()});
  result.loss = (1 + result.sigma.square().reciprocal()) * error;
  return result;
}

}  // namespace gsv3d
