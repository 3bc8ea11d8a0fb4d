// The layers that UNet, autoencoder and vision transformers share: plain structs that hold their parameters and are called like
// functions. Defaults and names are PyTorch's, so official checkpoints load without a rename table.
#pragma once

#include <optional>

#include "core/tensor.h"
#include "nn/parameter_store.h"

namespace gsv3d::nn {

/// y = x Wᵀ + b (+ LoRA). Parameters: weight [out, in], bias [out].
struct Linear {
  Tensor weight, bias;
  std::optional<Lora> lora;
  Linear() = default;
  Linear(const Scope& scope, int64_t in, int64_t out, bool with_bias = true);
  /// Starts at zero: for output heads and residual branches that should begin as nothing.
  static Linear zero(const Scope& scope, int64_t in, int64_t out, bool with_bias = true);
  Tensor operator()(const Tensor& x) const;  ///< [..., in] → [..., out]
};

/// 2D convolution with equal padding on all sides. Parameters: weight [out, in, k, k], bias [out].
struct Conv2d {
  Tensor weight, bias;
  int64_t stride = 1, padding = 0;
  Conv2d() = default;
  Conv2d(const Scope& scope, int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t padding = 0,
         bool with_bias = true, bool zero_init = false);
  Tensor operator()(const Tensor& x) const;  ///< [B, in, H, W] → [B, out, H', W']
};

/// 3D convolution, kernel (kt, kh, kw), padded by half the kernel. Parameters: weight [out, in, kt, kh, kw], bias [out].
struct Conv3d {
  Tensor weight, bias;
  std::array<int64_t, 3> padding{};
  Conv3d() = default;
  Conv3d(const Scope& scope, int64_t in, int64_t out, std::array<int64_t, 3> kernel, bool zero_init = false);
  Tensor operator()(const Tensor& x) const;  ///< [B, in, T, H, W] → the same extent
};

/// Group normalisation; statistics in float32. Parameters: weight, bias [channels].
struct GroupNorm {
  Tensor weight, bias;
  int64_t groups = 32;
  double eps = 1e-5;
  GroupNorm() = default;
  GroupNorm(const Scope& scope, int64_t channels, int64_t groups = 32, double eps = 1e-5);
  Tensor operator()(const Tensor& x) const;
};

/// Layer normalisation over the last axis. Parameters: weight, bias [channels].
struct LayerNorm {
  Tensor weight, bias;
  double eps = 1e-5;
  LayerNorm() = default;
  LayerNorm(const Scope& scope, int64_t channels, double eps = 1e-5);
  Tensor operator()(const Tensor& x) const;
};

/// softmax(q kᵀ / sqrt(d)) v for q [B, Tq, heads·d], k and v [B, Tk, heads·d] → [B, Tq, heads·d].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads);

/// Sinusoidal embedding, cosines first: frequencies exp(-ln(max_period) k / (d/2)), k = 0..d/2-1. values [N] → [N, dimension].
/// Computed in float32 (sgm/modules/diffusionmodules/util.py: timestep_embedding).
Tensor sinusoidal_embedding(const Tensor& values, int64_t dimension, double max_period = 10000);

}  // namespace gsv3d::nn
