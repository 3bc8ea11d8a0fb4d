// The learned mix of a block's spatial and temporal halves (sgm/modules/diffusionmodules/util.py: AlphaBlender,
// "learned_with_images").
#pragma once

#include "diffusion/frame_batch.h"
#include "nn/parameter_store.h"

namespace gsv3d {

/// α·spatial + (1 - α)·temporal, α = sigmoid(mix_factor), α = 1 where the batch says image only. Parameter: mix_factor [1].
struct TemporalBlend {
  Tensor mix_factor;
  TemporalBlend() = default;
  explicit TemporalBlend(const nn::Scope& scope);
  /// spatial and temporal [B, F, ...] → [B, F, ...], laid out in memory as `spatial`.
  Tensor operator()(const Tensor& spatial, const Tensor& temporal, const FrameBatch& batch) const;
};

}  // namespace gsv3d
