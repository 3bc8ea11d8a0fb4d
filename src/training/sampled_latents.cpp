#include "training/sampled_latents.h"

#include <c10/core/GradMode.h>

#include "diffusion/autoencoder.h"
#include "diffusion/sampler.h"
#include "models/lora_file.h"
#include "training/photo_conditioning.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

std::shared_ptr<nn::ParameterStore> sampler_store(const StageContext& context) {
  const std::filesystem::path lora = context.model_folder / "distilled_lora.safetensors";
  if (!std::filesystem::exists(lora)) return finished_store(context, "unet.safetensors", "diffusion");
  const NamedTensors base = read_safetensors(context.model_folder / "unet.safetensors");
  NamedTensors weights = merged_lora_weights(base, read_lora(lora), context.model.lora_alpha, lora);
  weights.insert(base.begin(), base.end());  // those that the LoRA leaves as they are
  return nn::ParameterStore::from_tensors(std::move(weights), "unet.safetensors", at::kFloat, context.device);
}

}  // namespace

Tensor sampled_latents(const VideoUNet& unet, const ImageEmbedder& embedder, const ModelConfig& model, const ClipBatch& batch,
                       const Tensor& noise) {
  const c10::NoGradGuard no_grad;
  const Conditioning conditioning =
      photo_conditioning(model, embedder, batch, at::zeros({batch.count()}, noise.options().requires_grad(false)));
  const Tensor frames = sample(unet, model.sampler, noise, conditioning).unflatten(0, {batch.count(), batch.frames()});
  const Tensor photo = scaled_latents(model.vae, batch.latents.narrow(1, 0, 1));
  return at::cat({photo, views_from_sv3d_clips(frames).narrow(1, 1, batch.frames() - 1)}, 1);
}

LatentSampler::LatentSampler(const StageContext& context)
    : model_(context.model),
      unet_(model_.unet, nn::Scope(sampler_store(context))),
      embedder_(model_.image_embedder, nn::Scope(finished_store(context, "image_embedder.safetensors", "diffusion"))) {}

Tensor LatentSampler::operator()(const ClipBatch& batch, const BatchShare& share, uint64_t seed, int64_t step) const {
  std::vector<int64_t> sizes = batch.latents.flatten(0, 1).sizes().vec();
  sizes[0] = share.whole * batch.frames();
  const Tensor noise = seeded_randn(sizes, step_seed(seed, step, "sampled latents"), batch.latents.device());
  return sampled_latents(unet_, embedder_, model_, batch, share.of(noise, batch.frames()));
}

}  // namespace gsv3d
