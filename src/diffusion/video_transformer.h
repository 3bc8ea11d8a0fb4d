// Transformer over the pixels of each frame, in a network of views then over the frames of each pixel (sgm/modules/attention.py:
// SpatialTransformer, video_attention.py: SpatialVideoTransformer).
#pragma once

#include <optional>
#include <vector>

#include "diffusion/frame_batch.h"
#include "diffusion/temporal_blend.h"
#include "diffusion/unet_attention.h"
#include "nn/layers.h"

namespace gsv3d {

/// What the blocks of a UNet do over the frames of a clip.
struct FrameLayers {
  bool temporal = true;          ///< each block has a temporal half; false: a network of single pictures
  bool joint_attention = false;  ///< VideoUNetConfig::joint_attention
};

struct TransformerWidths {
  int64_t channels, context, head_channels, depth, norm_groups;
  FrameLayers frames = {};
};

/// Self-attention over pixels, attention to the photo, feed-forward; all residual (BasicTransformerBlock). With `positions`
/// [F·pixels, C], which say where a token is, self-attention runs over the pixels of all frames of a clip.
struct SpatialBlock {
  nn::LayerNorm norm1, norm2, norm3;
  UNetAttention attn1, attn2;
  GatedFeedForward ff;
  SpatialBlock(const nn::Scope& scope, const TransformerWidths& widths);
  /// [B·F, pixels, C] → the same
  Tensor operator()(const Tensor& x, const FrameBatch& batch, const Tensor& positions = {}) const;
};

/// Feed-forward, self-attention over frames, attention to the photo, feed-forward; all residual (VideoTransformerBlock).
struct TemporalBlock {
  nn::LayerNorm norm_in, norm1, norm2, norm3;
  GatedFeedForward ff_in, ff;
  UNetAttention attn1, attn2;
  TemporalBlock(const nn::Scope& scope, const TransformerWidths& widths);
  Tensor operator()(const Tensor& x, const FrameBatch& batch) const;  ///< [B·pixels, F, C] → the same
};

class VideoTransformer {
 public:
  VideoTransformer(const nn::Scope& scope, const TransformerWidths& widths);
  /// [B·F, C, h, w] → the same
  Tensor operator()(const Tensor& x, const FrameBatch& batch) const;

 private:
  Tensor frame_embedding(const Tensor& like, const FrameBatch& batch) const;
  Tensor token_positions(const Tensor& x, const FrameBatch& batch) const;
  Tensor over_frames(const Tensor& tokens, size_t block, const Tensor& frame, const FrameBatch& batch) const;

  std::string name_;
  int64_t channels_;
  nn::GroupNorm norm_;
  nn::Linear proj_in_, proj_out_;
  std::optional<nn::Linear> frame_in_, frame_out_;  // of the temporal half
  std::optional<nn::Linear> joint_in_, joint_out_;  // with joint attention
  std::vector<SpatialBlock> spatial_;
  std::vector<TemporalBlock> temporal_;  // none in a network of single pictures
  std::optional<TemporalBlend> time_mixer_;
};

}  // namespace gsv3d
