#include "training/losses.h"

namespace gsv3d {
namespace {

struct Moments {
  Tensor mean, log_variance;
};

/// The clamp is the official autoencoder's (sgm/modules/distributions/distributions.py).
Moments split(const Tensor& moments) {
  const auto parts = moments.to(at::kFloat).chunk(2, 1);
  return {parts[0], parts[1].clamp(-30, 20)};
}

}  // namespace

Tensor kl_divergence(const Tensor& moments) {
  const Moments m = split(moments);
  return (0.5 * (m.mean.square() + m.log_variance.exp() - 1 - m.log_variance)).mean();
}

Tensor sample_posterior(const Tensor& moments, const Tensor& noise) {
  const Moments m = split(moments);
  return m.mean + (0.5 * m.log_variance).exp() * noise;
}

Tensor weighted_mean(const Tensor& value, const Tensor& weight) {
  return (value * weight).sum() / (weight.sum() * value.size(1)).clamp_min(1e-6);
}

RenderingLoss rendering_loss(const Rendering& rendering, const TargetViews& target) {
  RenderingLoss loss;
  loss.rgb = (rendering.rgb - target.rgb).square().mean();
  loss.alpha = (rendering.alpha - target.alpha).square().mean();
  const Tensor object = (target.alpha > 0.5).logical_and(target.depth > 0).to(at::kFloat);
  loss.depth = weighted_mean((rendering.depth - rendering.alpha * target.depth).abs(), object);
  return loss;
}

}  // namespace gsv3d
