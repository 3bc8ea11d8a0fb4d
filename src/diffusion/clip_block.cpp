#include "diffusion/clip_block.h"

namespace gsv3d {

ClipAttention::ClipAttention(const nn::Scope& scope, int64_t width, int64_t heads, bool causal)
    : in_proj_weight(scope.parameter("in_proj_weight", {3 * width, width}, nn::Init::fan_in(width))),
      in_proj_bias(scope.parameter("in_proj_bias", {3 * width}, nn::Init::zeros())),
      out_proj(scope / "out_proj", width, width),
      heads(heads),
      causal(causal) {}

Tensor ClipAttention::operator()(const Tensor& x) const {
  const auto qkv = at::linear(x, in_proj_weight, in_proj_bias).chunk(3, -1);
  if (!causal) return out_proj(nn::attention(qkv[0], qkv[1], qkv[2], heads));
  const auto split = [this](const Tensor& part) { return part.unflatten(-1, {heads, part.size(-1) / heads}).transpose(1, 2); };
  const Tensor mixed = at::scaled_dot_product_attention(split(qkv[0]), split(qkv[1]), split(qkv[2]), /*attn_mask=*/{},
                                                        /*dropout_p=*/0.0, /*is_causal=*/true);
  return out_proj(mixed.transpose(1, 2).flatten(2));
}

ClipBlock::ClipBlock(const nn::Scope& scope, int64_t width, int64_t heads, bool causal)
    : ln_1(scope / "ln_1", width),
      ln_2(scope / "ln_2", width),
      attn(scope / "attn", width, heads, causal),
      c_fc(scope / "mlp" / "c_fc", width, 4 * width),
      c_proj(scope / "mlp" / "c_proj", 4 * width, width) {}

Tensor ClipBlock::operator()(const Tensor& x) const {
  const Tensor h = x + attn(ln_1(x));
  return h + c_proj(at::gelu(c_fc(ln_2(h))));
}

}  // namespace gsv3d
