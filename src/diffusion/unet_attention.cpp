#include "diffusion/unet_attention.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "diffusion/reuse_memory.h"
#include "diffusion/savings.h"

namespace gsv3d {
namespace {

/// softmax(q kᵀ / sqrt(d)) v as separate products.
Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads) {
  const auto split = [heads](const Tensor& x) { return x.unflatten(-1, {heads, x.size(-1) / heads}).transpose(1, 2); };
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1) / heads));
  const Tensor weights = at::softmax(at::matmul(split(q) * scale, split(k).transpose(-1, -2)), -1);
  return at::matmul(weights, split(v)).transpose(1, 2).flatten(2);
}

/// LibTorch's fused CPU kernel in bfloat16 is slow at two things (milliseconds of one thread, fused against plain): its backward
/// pass (15.9 against 2.2 at 56 rows of 64 tokens, 2 heads of 32) and the many short rows of attention over time (forward 2.7
/// against 1.1 at 512 rows of 7). In float32 it is never far behind. Long rows stay fused in any case: plain products would hold
/// all weights at once.
bool plain_is_faster(const Tensor& q, const Tensor& k, const Tensor& v) {
  constexpr int64_t short_row = 32, long_row = 1024;
  if (!q.is_cpu() || q.scalar_type() != at::kBFloat16) return false;
  const int64_t tokens = std::max(q.size(1), k.size(1));
  const bool trains = q.requires_grad() || k.requires_grad() || v.requires_grad();
  return tokens <= (trains ? long_row : short_row);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads) {
  return plain_is_faster(q, k, v) ? plain_attention(q, k, v, heads) : nn::attention(q, k, v, heads);
}

}  // namespace

UNetAttention::UNetAttention(const nn::Scope& scope, int64_t channels, int64_t context_channels, int64_t head_channels)
    : name_(scope.name()),
      to_q_(scope / "to_q", channels, channels, /*with_bias=*/false),
      to_k_(scope / "to_k", context_channels, channels, /*with_bias=*/false),
      to_v_(scope / "to_v", context_channels, channels, /*with_bias=*/false),
      to_out_(scope / "to_out" / 0, channels, channels),
      heads_(channels / head_channels) {
  require(head_channels > 0 && channels % head_channels == 0, "{}: {} channels cannot be split into heads of {}", scope.name(),
          channels, head_channels);
}

Tensor UNetAttention::operator()(const Tensor& x) const {
  return to_out_(attention(to_q_(x), to_k_(x), to_v_(x), heads_));
}

Tensor UNetAttention::add_cross_attention(Tensor x, const nn::LayerNorm& norm, const Tensor& context,
                                          const FrameBatch& batch) const {
  const auto shape = x.sizes().vec();
  const Tensor grouped = x.reshape({context.size(0), -1, shape.back()});
  // Training keeps this shortcut whatever is asked for: its gradients are exact, too.
  if (context.size(1) == 1 && (savings().single_token || x.requires_grad()))
    return add_reusing(grouped, batch.once(name_, [&] { return to_out_(to_v_(context)); })).reshape(shape);
  const Tensor keys = batch.once(name_ + ".to_k", [&] { return to_k_(context); });
  const Tensor values = batch.once(name_ + ".to_v", [&] { return to_v_(context); });
  const Tensor output = to_out_(attention(to_q_(norm(grouped)), keys, values, heads_));
  return add_reusing(output, grouped).reshape(shape);
}

GatedFeedForward::GatedFeedForward(const nn::Scope& scope, int64_t channels)
    : in_(scope / "net" / 0 / "proj", channels, 8 * channels), out_(scope / "net" / 2, 4 * channels, channels) {}

Tensor GatedFeedForward::operator()(const Tensor& x) const {
  const bool trains = c10::GradMode::is_enabled() && (x.requires_grad() || in_.weight.requires_grad());
  if (x.is_cpu() && !trains && !in_.lora && !out_.lora && savings().blocked_feed_forward) return blocked(x);
  const auto halves = in_(x).chunk(2, -1);
  return out_(multiply_reusing(at::gelu(halves[1]), halves[0]));
}

Tensor GatedFeedForward::blocked(const Tensor& x) const {
  // Measured in float32 and bfloat16 at widths 128 to 512 between 512 and 4096 tokens: flat within 5 %.
  constexpr int64_t block = 2048;
  const auto weights = in_.weight.chunk(2), biases = in_.bias.chunk(2);
  const Tensor rows = x.flatten(0, -2);
  Tensor result;
  for (int64_t begin = 0; begin < rows.size(0); begin += block) {
    const int64_t count = std::min(block, rows.size(0) - begin);
    const Tensor part = rows.narrow(0, begin, count);
    Tensor gate = at::linear(part, weights[1], biases[1]);
    at::gelu_(gate);
    const Tensor output = out_(gate.mul_(at::linear(part, weights[0], biases[0])));
    if (!result.defined()) result = at::empty({rows.size(0), output.size(1)}, output.options());
    result.narrow(0, begin, count).copy_(output);
  }
  return result.defined() ? result.view(x.sizes()) : at::empty_like(x);
}

}  // namespace gsv3d
