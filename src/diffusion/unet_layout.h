// Which blocks a UNet of the Stable Diffusion family has, level by level, down and up again: the same for pictures (unet2d.h) and
// for orbits of views (video_unet.h), whose blocks have a temporal half each.
#pragma once

#include <vector>

#include "diffusion/unet_config.h"
#include "diffusion/unet_stage.h"

namespace gsv3d {

/// Linear, SiLU, Linear: how noise level and camera enter.
struct UNetEmbedding {
  nn::Linear in, out;
  UNetEmbedding(const nn::Scope& scope, int64_t inputs, int64_t width);
  Tensor operator()(const Tensor& x) const;
};

/// The stages of a whole UNet. `frames`: what the blocks do over the frames of a clip.
class UNetStages {
 public:
  /// Throws Error when the configuration makes no network.
  UNetStages(const UNetConfig& config, const FrameLayers& frames, const nn::Scope& scope,
             const std::optional<nn::Streaming>& streaming);
  /// [rows, in_channels, h, w] → [rows, top_width, h, w], before the output's norm. With the batch's memory, the deep part may be
  /// kept and reused (DeepFeatures).
  Tensor operator()(const Tensor& x, const FrameBatch& batch) const;

 private:
  std::vector<UNetStage> input_blocks_, middle_blocks_, output_blocks_;
};

}  // namespace gsv3d
