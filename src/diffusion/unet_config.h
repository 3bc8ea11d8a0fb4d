// The widths of a UNet of the Stable Diffusion family, for pictures (unet2d.h) and for orbits of views (video_unet.h).
#pragma once

#include <cstdint>
#include <vector>

#include "core/config.h"

namespace gsv3d {

/// Field names follow the official yaml.
struct UNetConfig {
  int64_t in_channels = 4, out_channels = 4, model_channels = 320;
  std::vector<int64_t> attention_resolutions = {4, 2, 1};
  int64_t num_res_blocks = 2;
  std::vector<int64_t> channel_mult = {1, 2, 4, 4};
  int64_t num_head_channels = 64, transformer_depth = 1, context_dim = 1024;
  int64_t norm_groups = 32;  ///< 32 in every official checkpoint
  int64_t embedding_channels() const { return 4 * model_channels; }
  int64_t top_width() const { return model_channels * channel_mult.front(); }       ///< of the last stage's output
  int64_t downsampling() const { return int64_t{1} << (channel_mult.size() - 1); }  ///< sides of latents are multiples of it
};

}  // namespace gsv3d
