// The transformer block of the Gaussian decoder's trunk and the parts it shares with the upsampler.
#pragma once

#include "core/tensor.h"
#include "nn/layers.h"

namespace gsv3d {

/// Layer normalisation of one head's queries or keys, without bias: a bias of the keys would cancel in the softmax.
struct HeadNorm {
  Tensor weight;
  HeadNorm() = default;
  HeadNorm(const nn::Scope& scope, int64_t head_width) : weight(scope.parameter("weight", {head_width}, nn::Init::ones())) {}
  Tensor operator()(const Tensor& x) const { return at::layer_norm(x, weight.sizes(), weight); }  ///< [..., head_width]
};

/// Norms of queries and keys (arXiv 2302.05442): they keep attention logits bounded when training in bfloat16.
struct QueryKeyNorm {
  HeadNorm query, key;
  QueryKeyNorm() = default;
  QueryKeyNorm(const nn::Scope& scope, int64_t head_width)
      : query(scope / "q_norm", head_width), key(scope / "k_norm", head_width) {}
};

/// Linear, GELU, linear. [..., width] → [..., width].
struct Mlp {
  nn::Linear fc1, fc2;
  Mlp() = default;
  Mlp(const nn::Scope& scope, int64_t width, int64_t ratio)
      : fc1(scope / "fc1", width, width * ratio), fc2(scope / "fc2", width * ratio, width) {}
  Tensor operator()(const Tensor& x) const { return fc2(at::gelu(fc1(x))); }
};

/// Pre-norm block: self-attention over the tokens of all views, cross-attention to the photo's tokens (unless it is built
/// without), MLP; each added to its input.
struct MultiViewBlock {
  MultiViewBlock(const nn::Scope& scope, int64_t width, int64_t heads, int64_t mlp_ratio, bool sees_photo = true);
  /// tokens [B, T, width], context [B, S, width] (undefined without sight of the photo) → [B, T, width].
  Tensor operator()(const Tensor& tokens, const Tensor& context) const;

 private:
  Tensor attend_to_views(const Tensor& x) const;
  Tensor attend_to_photo(const Tensor& x, const Tensor& context) const;

  int64_t heads_;
  nn::LayerNorm norm1_, norm2_, norm3_;
  nn::Linear qkv_, proj_;
  QueryKeyNorm self_norm_;
  nn::Linear cross_q_, cross_kv_, cross_proj_;  // no weights without sight of the photo, like norm2_
  QueryKeyNorm cross_norm_;
  Mlp mlp_;
};

}  // namespace gsv3d
