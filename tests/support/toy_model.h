// A complete model of a few thousand random parameters, for tests of everything around the networks.
#pragma once

#include <filesystem>
#include <string>

#include "models/model_folder.h"
#include "temporary_folder.h"

namespace gsv3d::testing {

inline ModelConfig toy_config() {
  ModelConfig c;
  c.name = "toy";
  c.image_size = 32;
  c.frames = 3;
  c.vector_dimensions = {8, 8, 8};
  c.vae.ch = 4;
  c.vae.ch_mult = {1, 1, 2};
  c.vae.num_res_blocks = 1;
  c.vae.norm_groups = 2;
  c.vae.scale_factor = 0.5;
  c.unet.in_channels = 8;
  c.unet.out_channels = 4;
  c.unet.model_channels = 8;
  c.unet.channel_mult = {1, 2};
  c.unet.attention_resolutions = {2};
  c.unet.num_res_blocks = 1;
  c.unet.num_head_channels = 8;
  c.unet.context_dim = 16;
  c.unet.adm_in_channels = 24;
  c.unet.norm_groups = 4;
  c.image_embedder = {32, 16, 16, 1, 8, 16};
  c.dino.patch_size = 16;
  c.dino.embed_dim = 16;
  c.dino.depth = 1;
  c.dino.num_heads = 2;
  c.dino.pretrain_image_size = 32;
  c.dino.image_size = 32;
  c.dino.mlp_ratio = 2;
  c.gaussian_decoder.width = 16;
  c.gaussian_decoder.patch_size = 1;
  c.gaussian_decoder.depth = 1;
  c.gaussian_decoder.num_heads = 2;
  c.gaussian_decoder.mlp_ratio = 2;
  c.gaussian_decoder.context_dim = 16;
  c.gaussian_decoder.upsampler_widths = {8};
  c.gaussian_decoder.upsampler_heads = 2;
  c.gaussian_decoder.upsampler_window = 4;
  c.gaussian_decoder.min_scale = 0.005;
  c.gaussian_decoder.max_scale = 0.1;
  c.sampler.steps = 3;
  c.sampler.max_scale = 1.5;
  return c;
}

/// A random toy model in which every layer counts: networks start with zeros in their output heads, which would hide what comes
/// before.
inline void initialise_toy_model(const std::filesystem::path& folder, uint64_t seed) {
  initialise_model(folder, toy_config(), seed);
  const at::Generator generator = make_generator(seed);
  for (const char* part : {"unet", "gaussian_decoder"}) {
    const auto path = folder / (std::string(part) + ".safetensors");
    NamedTensors tensors;
    for (const auto& [name, tensor] : read_safetensors(path)) {
      const Tensor weights = tensor.to(at::kFloat);
      tensors.emplace(name, weights.eq(0).all().item<bool>() ? 0.1 * randn(weights.sizes(), generator) : weights);
    }
    write_safetensors(path, tensors);
  }
}

}  // namespace gsv3d::testing
