#include "decoder/attention.h"

#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

namespace gsv3d {
namespace {

Tensor plain_products(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  Tensor scores = at::matmul(q * (1 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-1, -2));
  if (mask.defined()) scores = scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1), v);
}

}  // namespace

Tensor attention_product(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  const bool trains = c10::GradMode::is_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad());
  if (trains && q.is_cpu() && q.scalar_type() == at::kBFloat16) return plain_products(q, k, v, mask);
  return at::scaled_dot_product_attention(q, k, v, mask.defined() ? std::optional<Tensor>(mask) : std::nullopt);
}

}  // namespace gsv3d
