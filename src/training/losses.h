// Losses that stages share, in float32 whatever the precision of the networks.
#pragma once

#include "core/tensor.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {

/// KL divergence of the Gaussian with moments [B, 2z, h, w] (mean, log variance) from the unit Gaussian: mean over latent values.
Tensor kl_divergence(const Tensor& moments);

/// A sample of that Gaussian; noise [B, z, h, w] is standard normal.
Tensor sample_posterior(const Tensor& moments, const Tensor& noise);

/// Σ weight · value / total, weight broadcast over value's channels: value [B, C, H, W], weight [B, 1, H, W], total the sum of
/// the weights, or its mean over the processes that share the batch.
Tensor weighted_mean(const Tensor& value, const Tensor& weight, const Tensor& total);

/// One mean per clip of value [B·V, C, H, W], clip-major → [B].
Tensor clip_means(const Tensor& value, int64_t clips);

/// The same of weighted_mean(); 0 where there is no weight.
Tensor clip_means(const Tensor& value, const Tensor& weight, int64_t clips);

/// What renderings are compared with.
struct TargetViews {
  Tensor rgb;    ///< [V, 3, H, W] over white
  Tensor alpha;  ///< [V, 1, H, W]
  Tensor depth;  ///< [V, 1, H, W] camera z; 0 where nothing was hit

  /// 1 where the object is and its depth is known, else 0.
  Tensor object() const { return (alpha > 0.5).logical_and(depth > 0).to(alpha.scalar_type()); }
};

/// One number per clip, [B]; `depth` is in world units.
struct RenderingLoss {
  Tensor rgb, alpha, depth;
};

/// Renderings and targets [B·V, ...], clip-major. rgb: mean squared error, plus `l1` times the mean absolute one; alpha: mean
/// squared error. depth: mean over the object's pixels of |Σ w (z - z_target)|, the expected depth's error weighted by the
/// rendered alpha: no division, so that empty renderings have gradients too.
RenderingLoss rendering_loss(const Rendering& rendering, const TargetViews& target, int64_t clips, double l1 = 0);

/// [B]: mean over the object's pixels of Σ w (z - z_target)², which is free for a surface only, while the depth loss is free for
/// any cloud whose mean is right. From renderings [B, ...] whose colours are ((z - origin)², z - origin, ·) over black, origin
/// [B, 1, 1, 1] (small numbers: float32 loses nothing), and one target per clip.
Tensor thickness_loss(const Rendering& moments, const Tensor& origin, const TargetViews& target);

}  // namespace gsv3d
