// One entry of the UNet's input_blocks or output_blocks, or a third of its middle: the unit in which weights are streamed.
#pragma once

#include <optional>
#include <string>

#include "diffusion/frame_batch.h"
#include "diffusion/video_res_block.h"
#include "diffusion/video_transformer.h"
#include "nn/layers.h"

namespace gsv3d {

/// What a stage is made of, without weights. Paths are names of submodules of the UNet.
struct StagePlan {
  struct Convolution {
    std::string path;
    int64_t in, out, stride;
  };
  struct Res {
    std::string path;
    VideoResBlock::Widths widths;
  };
  struct Transformer {
    std::string path;
    TransformerWidths widths;
  };
  std::string name;
  std::optional<Convolution> convolution;  ///< the first stage, or a downsampler
  std::optional<Res> res_block;
  std::optional<Transformer> transformer;
  std::optional<Convolution> upsampler;
};

/// With `streaming`, the stage's weights are on the device only while it runs; without, they are where the scope's store has
/// them.
class UNetStage {
 public:
  UNetStage(StagePlan plan, const nn::Scope& unet, const std::optional<nn::Streaming>& streaming);
  /// [B·F, C, h, w] → [B·F, C', h', w']
  Tensor operator()(Tensor x, const FrameBatch& batch) const;

 private:
  struct Layers {
    std::optional<nn::Conv2d> convolution, upsampler;
    std::optional<VideoResBlock> res_block;
    std::optional<VideoTransformer> transformer;
    Layers(const StagePlan& plan, const nn::Scope& unet);
    Tensor operator()(Tensor x, const FrameBatch& batch) const;
  };

  StagePlan plan_;
  nn::Scope unet_;
  std::optional<nn::Streaming> streaming_;
  std::optional<Layers> layers_;  // where they are not streamed
};

}  // namespace gsv3d
