#include "nn/layers.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d::nn {
namespace {

Tensor bias_parameter(const Scope& scope, bool with_bias, int64_t out, const Init& init) {
  return with_bias ? scope.parameter("bias", {out}, init) : Tensor();
}

}  // namespace

Linear::Linear(const Scope& scope, int64_t in, int64_t out, bool with_bias)
    : weight(scope.parameter("weight", {out, in}, Init::fan_in(in))),
      bias(bias_parameter(scope, with_bias, out, Init::fan_in(in))),
      lora(scope.lora(in, out)) {}

Linear Linear::zero(const Scope& scope, int64_t in, int64_t out, bool with_bias) {
  Linear layer;
  layer.weight = scope.parameter("weight", {out, in}, Init::zeros());
  layer.bias = bias_parameter(scope, with_bias, out, Init::zeros());
  layer.lora = scope.lora(in, out);
  return layer;
}

Tensor Linear::operator()(const Tensor& x) const {
  const Tensor y = at::linear(x, weight, bias);
  return lora ? at::add(y, at::linear(at::linear(x, lora->down), lora->up), lora->scale) : y;
}

Conv2d::Conv2d(const Scope& scope, int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, bool with_bias,
               bool zero_init)
    : stride(stride), padding(padding) {
  const Init init = zero_init ? Init::zeros() : Init::fan_in(in * kernel * kernel);
  weight = scope.parameter("weight", {out, in, kernel, kernel}, init);
  bias = bias_parameter(scope, with_bias, out, init);
}

Tensor Conv2d::operator()(const Tensor& x) const {
  return at::conv2d(x, weight, bias, stride, padding);
}

Conv3d::Conv3d(const Scope& scope, int64_t in, int64_t out, std::array<int64_t, 3> kernel, bool zero_init)
    : padding{kernel[0] / 2, kernel[1] / 2, kernel[2] / 2} {
  const Init init = zero_init ? Init::zeros() : Init::fan_in(in * kernel[0] * kernel[1] * kernel[2]);
  weight = scope.parameter("weight", {out, in, kernel[0], kernel[1], kernel[2]}, init);
  bias = scope.parameter("bias", {out}, init);
}

Tensor Conv3d::operator()(const Tensor& x) const {
  return at::conv3d(x, weight, bias, /*stride=*/1, padding);
}

GroupNorm::GroupNorm(const Scope& scope, int64_t channels, int64_t groups, double eps)
    : weight(scope.parameter("weight", {channels}, Init::ones())),
      bias(scope.parameter("bias", {channels}, Init::zeros())),
      groups(groups),
      eps(eps) {
  require(groups > 0 && channels % groups == 0, "{}: {} channels cannot be split into {} groups", scope.name(), channels, groups);
}

Tensor GroupNorm::operator()(const Tensor& x) const {
  return at::group_norm(x, groups, weight, bias, eps);
}

LayerNorm::LayerNorm(const Scope& scope, int64_t channels, double eps)
    : weight(scope.parameter("weight", {channels}, Init::ones())),
      bias(scope.parameter("bias", {channels}, Init::zeros())),
      eps(eps) {}

Tensor LayerNorm::operator()(const Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, eps);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads) {
  constexpr int64_t most_rows = 65535;  // of a CUDA grid's second axis, which the fused kernels give to the batch
  if (q.is_cuda() && q.size(0) > most_rows) {
    std::vector<Tensor> parts;
    for (int64_t begin = 0; begin < q.size(0); begin += most_rows)
      parts.push_back(attention(q.slice(0, begin, begin + most_rows), k.slice(0, begin, begin + most_rows),
                                v.slice(0, begin, begin + most_rows), heads));
    return at::cat(parts);
  }
  const auto split = [heads](const Tensor& x) { return x.unflatten(-1, {heads, x.size(-1) / heads}).transpose(1, 2); };
  return at::scaled_dot_product_attention(split(q), split(k), split(v)).transpose(1, 2).flatten(2);
}

Tensor sinusoidal_embedding(const Tensor& values, int64_t dimension, double max_period) {
  require(dimension > 0 && dimension % 2 == 0, "sinusoidal embedding: dimension {} is not even", dimension);
  const int64_t half = dimension / 2;
  const auto options = values.options().dtype(at::kFloat);
  const Tensor frequencies = at::exp(at::arange(half, options) * (-std::log(max_period)) / half);
  const Tensor phases = values.to(at::kFloat).unsqueeze(-1) * frequencies;
  return at::cat({at::cos(phases), at::sin(phases)}, -1);
}

}  // namespace gsv3d::nn
