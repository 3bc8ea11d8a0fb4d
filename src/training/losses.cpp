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

Tensor weighted_mean(const Tensor& value, const Tensor& weight, const Tensor& total) {
  return (value * weight).sum() / (total * value.size(1)).clamp_min(1e-6);
}

Tensor clip_means(const Tensor& value, int64_t clips) {
  return value.reshape({clips, -1}).mean(1);
}

Tensor clip_means(const Tensor& value, const Tensor& weight, int64_t clips) {
  const Tensor total = weight.reshape({clips, -1}).sum(1) * static_cast<double>(value.size(1));
  return (value * weight).reshape({clips, -1}).sum(1) / total.clamp_min(1e-6);
}

RenderingLoss rendering_loss(const Rendering& rendering, const TargetViews& target, int64_t clips, double l1) {
  RenderingLoss loss;
  const Tensor difference = rendering.rgb - target.rgb;
  loss.rgb = clip_means(difference.square(), clips);
  if (l1 > 0) loss.rgb = loss.rgb + l1 * clip_means(difference.abs(), clips);
  loss.alpha = clip_means((rendering.alpha - target.alpha).square(), clips);
  loss.depth = clip_means((rendering.depth - rendering.alpha * target.depth).abs(), target.object(), clips);
  return loss;
}

Tensor thickness_loss(const Rendering& moments, const Tensor& origin, const TargetViews& target) {
  const Tensor goal = target.depth - origin;
  const Tensor second = moments.rgb.narrow(1, 0, 1), first = moments.rgb.narrow(1, 1, 1);
  return clip_means(second - 2 * goal * first + goal.square() * moments.alpha, target.object(), target.alpha.size(0));
}

}  // namespace gsv3d
