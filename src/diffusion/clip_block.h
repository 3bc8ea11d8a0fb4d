// The block that both towers of OpenCLIP are made of (open_clip/transformer.py: ResidualAttentionBlock).
#pragma once

#include "nn/layers.h"

namespace gsv3d {

/// torch.nn.MultiheadAttention as open_clip uses it: q, k and v come from one matrix whose parameters have no ".weight" level.
struct ClipAttention {
  Tensor in_proj_weight, in_proj_bias;
  nn::Linear out_proj;
  int64_t heads;
  bool causal;  ///< a token sees itself and those before it, as in the text tower

  ClipAttention(const nn::Scope& scope, int64_t width, int64_t heads, bool causal);
  Tensor operator()(const Tensor& x) const;  ///< [B, tokens, width] → the same
};

/// x + attention, x + MLP (exact GELU), both after a layer norm.
struct ClipBlock {
  nn::LayerNorm ln_1, ln_2;
  ClipAttention attn;
  nn::Linear c_fc, c_proj;

  ClipBlock(const nn::Scope& scope, int64_t width, int64_t heads, bool causal);
  Tensor operator()(const Tensor& x) const;  ///< [B, tokens, width] → the same
};

}  // namespace gsv3d
