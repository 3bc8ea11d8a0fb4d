// A VideoUNet of a few thousand parameters for tests, with every weight away from its zero start.
#pragma once

#include <ATen/Parallel.h>

#include <memory>

#include "diffusion/conditioning.h"
#include "diffusion/video_unet.h"

namespace gsv3d::testing {

inline VideoUNetConfig toy_unet_config() {
  VideoUNetConfig config;
  config.in_channels = 4, config.out_channels = 2, config.model_channels = 8, config.attention_resolutions = {1, 2};
  config.num_res_blocks = 1, config.channel_mult = {1, 2}, config.num_head_channels = 4, config.context_dim = 6;
  config.adm_in_channels = 12, config.norm_groups = 4;
  return config;
}

struct ToyUNet {
  explicit ToyUNet(const VideoUNetConfig& config = toy_unet_config())
      : store(nn::ParameterStore::random(1)), unet(std::make_unique<VideoUNet>(config, nn::Scope(store))) {
    at::set_num_threads(1);  // so small that two threads only wait for each other, 40 times as long on a busy machine
    // Output layers and residual branches start at zero, which would hide what lies before them.
    uint64_t seed = 2;
    for (const auto& [name, parameter] : store->parameters())
      if (parameter.count_nonzero().item<int64_t>() == 0) parameter.copy_(0.2 * randn(parameter.sizes(), make_generator(seed++)));
  }

  std::shared_ptr<nn::ParameterStore> store;
  std::unique_ptr<VideoUNet> unet;
};

/// Random inputs for `clips` clips of `frames` frames, 4 × 6 latents, `tokens` context tokens per clip.
inline VideoUNet::Input toy_unet_input(int64_t clips, int64_t frames, int64_t tokens = 1) {
  const auto generator = make_generator(77);
  VideoUNet::Input input;
  input.x = randn({clips * frames, 4, 4, 6}, generator);
  input.timesteps = randn({clips * frames}, generator);
  input.context = randn({clips, tokens, 6}, generator);
  input.y = randn({clips * frames, 12}, generator);
  input.frames = frames;
  return input;
}

/// Conditioning of one clip for the toy network with latents of 2 channels.
inline Conditioning toy_conditioning(int64_t frames, int64_t clips = 1) {
  const auto generator = make_generator(78);
  Conditioning conditioning;
  conditioning.crossattn = randn({clips, 1, 6}, generator);
  conditioning.concat = randn({clips, 2, 4, 6}, generator);
  conditioning.vector = randn({clips * frames, 12}, generator);
  conditioning.frames = frames;
  return conditioning;
}

}  // namespace gsv3d::testing
