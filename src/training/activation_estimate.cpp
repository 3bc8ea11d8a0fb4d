#include "training/activation_estimate.h"

#include <array>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "nn/recompute.h"

namespace gsv3d {
namespace {

using nn::ParameterStore;
using nn::Scope;

constexpr uint64_t kSeed = 1;  // of weights whose values do not matter

/// Along sizes[first ..], with `chosen` before them.
std::array<double, 2> along(const std::vector<MeasuredSize>& sizes, std::vector<int64_t>& chosen,
                            const std::function<ActivationBytes(const std::vector<int64_t>&)>& measure) {
  if (chosen.size() == sizes.size()) {
    const ActivationBytes bytes = measure(chosen);
    return {static_cast<double>(bytes.kept), static_cast<double>(bytes.passing)};
  }
  const MeasuredSize& size = sizes[chosen.size()];
  const auto at = [&](int64_t value) {
    chosen.push_back(value);
    const auto bytes = along(sizes, chosen, measure);
    chosen.pop_back();
    return bytes;
  };
  if (size.wanted <= size.large) return at(size.wanted);
  const auto low = at(size.small), high = at(size.large);
  const double steps = static_cast<double>(size.wanted - size.small) / static_cast<double>(size.large - size.small);
  return {low[0] + steps * (high[0] - low[0]), low[1] + steps * (high[1] - low[1])};
}

/// Squares of sides: what activations are linear in.
MeasuredSize pixels(int64_t small_side, int64_t large_side, int64_t side) {
  return {small_side * small_side, large_side * large_side, side * side};
}
int64_t side_of(int64_t pixels) {
  return std::llround(std::sqrt(static_cast<double>(pixels)));
}

int64_t latent_side(const ModelConfig& model) {
  return model.image_size / model.vae.downsampling();
}

}  // namespace

ActivationBytes continued(const std::vector<MeasuredSize>& sizes,
                          const std::function<ActivationBytes(const std::vector<int64_t>&)>& measure) {
  std::vector<int64_t> chosen;
  const auto bytes = along(sizes, chosen, measure);
  return {std::llround(bytes[0]), std::llround(bytes[1])};
}

ActivationBytes autoencoder_activations(const ModelConfig& model) {
  const auto store = ParameterStore::random(kSeed);
  const AutoencoderEncoder encoder(model.vae, Scope(store));
  const AutoencoderDecoder decoder(model.vae, Scope(store));
  store->set_requires_grad(true);
  const int64_t unit = model.vae.downsampling();
  return continued({pixels(8 * unit, 12 * unit, model.image_size)}, [&](const std::vector<int64_t>& size) {
    const int64_t side = side_of(size[0]);
    return activation_bytes([&] {
      const Tensor moments = encoder.moments(at::zeros({1, model.vae.in_channels, side, side}));
      return std::vector<Tensor>{moments, decoder(moments.narrow(1, 0, model.vae.z_channels))};
    });
  });
}

ActivationBytes unet_activations(const ModelConfig& model, const ActivationCase& of) {
  const UNetConfig& unet = model.unet;
  const int64_t unit = std::lcm(std::lcm(unet.num_head_channels, unet.norm_groups), 2), least = unet.downsampling();
  const int64_t photo_side = model.image_embedder.image_size / model.image_embedder.patch_size;
  const int64_t tokens = model.image_embedder.patch_tokens ? 1 + photo_side * photo_side : 1;
  const auto measure = [&](const std::vector<int64_t>& size) {
    VideoUNetConfig config = model.unet;
    config.model_channels = size[0];
    const int64_t frames = size[1], side = side_of(size[2]);
    const auto store = ParameterStore::random(kSeed);
    if (of.lora.rank > 0) store->enable_lora(of.lora);
    const VideoUNet network(config, Scope(store));
    if (of.lora.rank > 0)
      store->set_lora_requires_grad(true);
    else
      store->set_requires_grad(true);
    VideoUNet::Input input;
    input.x = at::zeros({frames, config.in_channels, side, side});
    input.timesteps = at::zeros({frames});
    input.context = at::zeros({1, tokens, config.context_dim});
    input.y = at::zeros({frames, config.adm_in_channels});
    input.frames = frames;
    const nn::Recomputation recomputation(of.recompute);
    return activation_bytes([&] { return std::vector<Tensor>{network(input)}; });
  };
  return continued({{unit, 2 * unit, unet.model_channels}, {2, 3, model.frames}, pixels(least, 2 * least, latent_side(model))},
                   measure);
}

ActivationBytes embedder_activations(const ModelConfig& model, const ActivationCase& of) {
  return continued({{1, 2, model.image_embedder.layers}}, [&](const std::vector<int64_t>& size) {
    ImageEmbedderConfig config = model.image_embedder;
    config.layers = size[0];
    const auto store = ParameterStore::random(kSeed);
    const ImageEmbedder network(config, Scope(store));
    store->set_requires_grad(true);
    const nn::Recomputation recomputation(of.recompute);
    return activation_bytes([&] {
      return std::vector<Tensor>{network(at::zeros({1, 3, config.image_size, config.image_size}))};
    });
  });
}

namespace {

ActivationBytes photo_encoder_activations(const ModelConfig& model, const ActivationCase& of) {
  return continued({{1, 2, model.dino.depth}}, [&](const std::vector<int64_t>& size) {
    Dinov2Config config = model.dino;
    config.depth = size[0];
    const auto store = ParameterStore::random(kSeed);
    const Dinov2 network(config, Scope(store));
    store->set_requires_grad(of.trains_dino);
    const nn::Recomputation recomputation(of.recompute);
    return activation_bytes([&] {
      return std::vector<Tensor>{network(at::zeros({1, 3, config.image_size, config.image_size})).patch_tokens};
    });
  });
}

/// Sides of the latents at which every stage of the upsampler has two windows and three to a side.
MeasuredSize decoder_pixels(const ModelConfig& model) {
  const GaussianDecoderConfig& config = model.gaussian_decoder;
  const int64_t unit = config.patch_size * std::max<int64_t>(1, config.upsampler_window / 2);
  return pixels(2 * unit, 3 * unit, latent_side(model));
}

}  // namespace

ActivationBytes decoder_activations(const ModelConfig& model, const ActivationCase& of) {
  const GaussianDecoderConfig& whole = model.gaussian_decoder;
  require(!whole.triplane && !whole.pixel_aligned, "the memory of a triplane or pixel-aligned Gaussian decoder is not estimated");
  const int64_t photo_side = model.dino.image_size / model.dino.patch_size;
  const auto measure = [&](const std::vector<int64_t>& size) {
    GaussianDecoderConfig config = whole;
    config.depth = size[0];
    const int64_t frames = size[1], side = side_of(size[2]), picture_side = side * model.vae.downsampling();
    const auto store = ParameterStore::random(kSeed);
    const GaussianDecoder network(config, Scope(store));
    store->set_requires_grad(of.trains_decoder);
    const auto made_up = [&](at::IntArrayRef sizes, bool gradients) { return at::zeros(sizes).requires_grad_(gradients); };
    const Tensor latents = made_up({1, frames, config.latent_channels, side, side}, !of.trains_decoder);
    const Tensor tokens =
        config.context_dim > 0 ? made_up({1, photo_side * photo_side, config.context_dim}, of.trains_dino) : Tensor();
    const Tensor pictures =
        config.sees_pictures() ? made_up({1, frames, 4, picture_side, picture_side}, !of.trains_decoder) : Tensor();
    const std::vector<Cameras> cameras = {orbit_cameras(frames, model.elevation_degrees, picture_side)};
    const nn::Recomputation recomputation(of.recompute);
    return activation_bytes([&] {
      const auto made = network(latents, cameras, tokens, pictures);
      return std::vector<Tensor>{made[0].means, made[0].quats, made[0].scales, made[0].opacities, made[0].sh};
    });
  };
  return photo_encoder_activations(model, of) +
         continued({{1, 2, whole.depth}, {2, 3, model.frames}, decoder_pixels(model)}, measure);
}

}  // namespace gsv3d
