#include "decoder/multi_view_block.h"

#include "decoder/attention.h"

namespace gsv3d {
namespace {

Tensor split_heads(const Tensor& x, int64_t heads) {
  return x.unflatten(-1, {heads, x.size(-1) / heads});
}  // [B, T, heads, d]

/// q, k, v [B, T, width] → [B, Tq, width].
Tensor attend(const QueryKeyNorm& norm, const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads) {
  const Tensor query = norm.query(split_heads(q, heads)).transpose(1, 2), key = norm.key(split_heads(k, heads)).transpose(1, 2);
  return attention_product(query, key, split_heads(v, heads).transpose(1, 2)).transpose(1, 2).flatten(2);
}

}  // namespace

MultiViewBlock::MultiViewBlock(const nn::Scope& scope, int64_t width, int64_t heads, int64_t mlp_ratio, bool sees_photo)
    : heads_(heads),
      norm1_(scope / "norm1", width),
      norm3_(scope / "norm3", width),
      qkv_(scope / "attn" / "qkv", width, 3 * width),
      proj_(scope / "attn" / "proj", width, width),
      self_norm_(scope / "attn", width / heads),
      mlp_(scope / "mlp", width, mlp_ratio) {
  if (!sees_photo) return;
  norm2_ = nn::LayerNorm(scope / "norm2", width);
  cross_q_ = nn::Linear(scope / "cross" / "q", width, width);
  cross_kv_ = nn::Linear(scope / "cross" / "kv", width, 2 * width);
  cross_proj_ = nn::Linear(scope / "cross" / "proj", width, width);
  cross_norm_ = QueryKeyNorm(scope / "cross", width / heads);
}

Tensor MultiViewBlock::attend_to_views(const Tensor& x) const {
  const auto parts = qkv_(x).chunk(3, -1);
  return proj_(attend(self_norm_, parts[0], parts[1], parts[2], heads_));
}

Tensor MultiViewBlock::attend_to_photo(const Tensor& x, const Tensor& context) const {
  const auto parts = cross_kv_(context).chunk(2, -1);
  return cross_proj_(attend(cross_norm_, cross_q_(x), parts[0], parts[1], heads_));
}

Tensor MultiViewBlock::operator()(const Tensor& tokens, const Tensor& context) const {
  Tensor x = tokens + attend_to_views(norm1_(tokens));
  if (context.defined()) x = x + attend_to_photo(norm2_(x), context);
  return x + mlp_(norm3_(x));
}

}  // namespace gsv3d
