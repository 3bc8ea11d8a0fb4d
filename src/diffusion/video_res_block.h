// A 2D residual block, in a network of views followed by one over time (sgm/modules/diffusionmodules/openaimodel.py: ResBlock,
// video_model.py: VideoResBlock).
#pragma once

#include <optional>

#include "diffusion/frame_batch.h"
#include "diffusion/temporal_blend.h"
#include "nn/layers.h"

namespace gsv3d {

/// 3×1×1 convolution over the frames of a clip, padded with zeros. Parameters: weight [out, in, 3, 1, 1], bias [out].
struct FrameConvolution {
  Tensor weight, bias;
  FrameConvolution() = default;
  FrameConvolution(const nn::Scope& scope, int64_t channels, bool zero_init = false);
  Tensor operator()(const Tensor& x) const;  ///< [B, C, F, pixels] → the same
};

/// The temporal half. Its group norms take statistics over all frames of a clip together.
struct TemporalResBlock {
  nn::GroupNorm in_norm, out_norm;
  FrameConvolution in_convolution, out_convolution;
  nn::Linear embedding;
  TemporalResBlock() = default;
  TemporalResBlock(const nn::Scope& scope, int64_t channels, int64_t embedding_channels, int64_t norm_groups);
  Tensor operator()(const Tensor& x, const FrameBatch& batch) const;  ///< [B, C, F, pixels] → the same
};

class VideoResBlock {
 public:
  struct Widths {
    int64_t in, out, embedding, norm_groups;
    bool temporal = true;  ///< FrameLayers::temporal
  };
  VideoResBlock(const nn::Scope& scope, const Widths& widths);
  /// [B·F, in, h, w] → [B·F, out, h, w]
  Tensor operator()(const Tensor& x, const FrameBatch& batch) const;

 private:
  std::string name_;
  nn::GroupNorm in_norm_, out_norm_;
  nn::Conv2d in_convolution_, out_convolution_;
  nn::Linear embedding_;
  std::optional<nn::Conv2d> skip_;  // where the width changes
  std::optional<TemporalResBlock> time_stack_;
  std::optional<TemporalBlend> time_mixer_;
};

}  // namespace gsv3d
