// Losses that stages share, in float32 whatever the precision of the networks.
#pragma once

#include "core/tensor.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {

/// KL divergence of the Gaussian with moments [B, 2z, h, w] (mean, log variance) from the unit Gaussian: mean over latent values.
Tensor kl_divergence(const Tensor& moments);

/// A sample of that Gaussian; noise [B, z, h, w] is standard normal.
Tensor sample_posterior(const Tensor& moments, const Tensor& noise);

/// Σ weight · value / Σ weight, weight broadcast over value's channels: value [B, C, H, W], weight [B, 1, H, W].
Tensor weighted_mean(const Tensor& value, const Tensor& weight);

/// What renderings are compared with.
struct TargetViews {
  Tensor rgb;    ///< [V, 3, H, W] over white
  Tensor alpha;  ///< [V, 1, H, W]
  Tensor depth;  ///< [V, 1, H, W] camera z; 0 where nothing was hit
};

/// Scalars; `depth` is in world units.
struct RenderingLoss {
  Tensor rgb, alpha, depth;
};

/// rgb and alpha: mean squared errors. depth: mean over the object's pixels (target alpha > 0.5) of |Σ w (z - z_target)|, the
/// expected depth's error weighted by the rendered alpha: no division, so that empty renderings have gradients too.
RenderingLoss rendering_loss(const Rendering& rendering, const TargetViews& target);

}  // namespace gsv3d
