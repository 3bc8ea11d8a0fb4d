// Attention and feed-forward of the UNet's transformer blocks (sgm/modules/attention.py: CrossAttention, FeedForward with GEGLU).
#pragma once

#include "diffusion/frame_batch.h"
#include "nn/layers.h"

namespace gsv3d {

/// Parameters: to_q, to_k, to_v (without bias), to_out.0.
class UNetAttention {
 public:
  UNetAttention(const nn::Scope& scope, int64_t channels, int64_t context_channels, int64_t head_channels);

  /// Self-attention: [N, T, C] → [N, T, C].
  Tensor operator()(const Tensor& x) const;

  /// Attention of x [N, T, C] to context [M, tokens, D], rows r·N/M … (r + 1)·N/M - 1 of x to row r of the context; `norm` is
  /// applied to x first, and x is added to the result. With a single token the softmax is 1 whatever the query, so query, key and
  /// norm are left out: the result is exact, and so are the gradients, which are zero for what is left out. `x` must be a result
  /// that nobody else holds. What a single token adds, or else the context's keys and values, is kept in the batch's memory
  /// (FrameBatch::once).
  Tensor add_cross_attention(Tensor x, const nn::LayerNorm& norm, const Tensor& context, const FrameBatch& batch) const;

 private:
  std::string name_;
  nn::Linear to_q_, to_k_, to_v_, to_out_;
  int64_t heads_;
};

/// Gated feed-forward: W₂ (a · GELU(b)), (a, b) = halves of W₁ x; hidden width 4 C, exact GELU. Parameters: net.0.proj, net.2.
class GatedFeedForward {
 public:
  GatedFeedForward(const nn::Scope& scope, int64_t channels);
  Tensor operator()(const Tensor& x) const;  ///< [..., C] → [..., C]

 private:
  Tensor blocked(const Tensor& x) const;

  nn::Linear in_, out_;
};

}  // namespace gsv3d
