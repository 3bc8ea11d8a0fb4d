#include "decoder/multi_view_block.h"

namespace gsv3d {
namespace {

/// Normalises the last axis [..., heads·d] head by head.
Tensor per_head(const HeadNorm& norm, const Tensor& x, int64_t heads) {
  return norm(x.unflatten(-1, {heads, x.size(-1) / heads})).flatten(-2);
}

}  // namespace

MultiViewBlock::MultiViewBlock(const nn::Scope& scope, int64_t width, int64_t heads, int64_t mlp_ratio)
    : heads_(heads),
      norm1_(scope / "norm1", width),
      norm2_(scope / "norm2", width),
      norm3_(scope / "norm3", width),
      qkv_(scope / "attn" / "qkv", width, 3 * width),
      proj_(scope / "attn" / "proj", width, width),
      self_norm_(scope / "attn", width / heads),
      cross_q_(scope / "cross" / "q", width, width),
      cross_kv_(scope / "cross" / "kv", width, 2 * width),
      cross_proj_(scope / "cross" / "proj", width, width),
      cross_norm_(scope / "cross", width / heads),
      mlp_(scope / "mlp", width, mlp_ratio) {}

Tensor MultiViewBlock::attend_to_views(const Tensor& x) const {
  const auto parts = qkv_(x).chunk(3, -1);
  return proj_(nn::attention(per_head(self_norm_.query, parts[0], heads_), per_head(self_norm_.key, parts[1], heads_), parts[2], heads_));
}

Tensor MultiViewBlock::attend_to_photo(const Tensor& x, const Tensor& context) const {
  const auto parts = cross_kv_(context).chunk(2, -1);
  const Tensor query = per_head(cross_norm_.query, cross_q_(x), heads_);
  return cross_proj_(nn::attention(query, per_head(cross_norm_.key, parts[0], heads_), parts[1], heads_));
}

Tensor MultiViewBlock::operator()(const Tensor& tokens, const Tensor& context) const {
  Tensor x = tokens + attend_to_views(norm1_(tokens));
  x = x + attend_to_photo(norm2_(x), context);
  return x + mlp_(norm3_(x));
}

}  // namespace gsv3d
