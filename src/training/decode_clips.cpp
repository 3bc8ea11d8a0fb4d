#include "training/decode_clips.h"

#include <c10/core/GradMode.h>

#include "core/error.h"

namespace gsv3d {

Tensor clip_pictures(const ClipDecoder& networks, const ClipInput& input) {
  require(networks.autoencoder.has_value(), "this Gaussian decoder looks at decoded views: needs the autoencoder");
  const c10::AutoGradMode gradients(c10::GradMode::is_enabled() && input.picture_gradients);
  const int64_t clips = input.latents.size(0), others = input.latents.size(1) - 1;
  const Tensor photos = input.photos.unsqueeze(1);
  if (others == 0) return photos;
  const Tensor latents = unscaled_latents(networks.model.vae, input.latents.narrow(1, 1, others)).flatten(0, 1);
  const Tensor decoded = ((*networks.autoencoder)(latents).to(at::kFloat) * 0.5 + 0.5).clamp(0, 1).unflatten(0, {clips, others});
  return at::cat({photos.narrow(2, 0, decoded.size(2)), decoded}, 1);
}

std::vector<Gaussians> decode_clips(const ClipDecoder& networks, const ClipInput& input) {
  const Tensor tokens =
      networks.dino(dinov2_preprocess(input.photos.narrow(1, 0, 3), networks.model.dino.image_size)).patch_tokens;
  Tensor pictures = input.pictures;
  if (networks.model.gaussian_decoder.sees_pictures() && !pictures.defined()) pictures = clip_pictures(networks, input);
  return networks.decoder(input.latents, input.cameras, tokens, pictures);
}

}  // namespace gsv3d
