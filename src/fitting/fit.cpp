#include "fitting/fit.h"

#include <c10/core/GradMode.h>

#include <cmath>

#include "core/cancel.h"
#include "core/error.h"
#include "fitting/densification.h"
#include "image/ssim.h"
#include "rasterizer/rasterizer.h"
#include "rasterizer/workspace.h"

namespace gsv3d {
namespace {

constexpr double dead_opacity = 0.005;

void check_targets(const FitTargets& targets) {
  const auto& [cameras, rgb, alpha, background, weights] = targets;
  const int64_t views = cameras.count(), height = cameras.height, width = cameras.width;
  require(views > 0, "fit: no pictures");
  require(rgb.sizes() == at::IntArrayRef({views, 3, height, width}), "fit: the pictures must be [{}, 3, {}, {}]", views, height,
          width);
  require(!alpha.defined() || alpha.sizes() == at::IntArrayRef({views, 1, height, width}),
          "fit: the masks must be [{}, 1, {}, {}]", views, height, width);
  require(background.sizes() == at::IntArrayRef({3}), "fit: the background must be one colour");
  require(!weights.defined() || weights.sizes() == at::IntArrayRef({views}), "fit: one weight per picture is needed");
}

/// 3DGS' measure of a scene: 1.1 times the largest distance of a camera from their centre.
double scene_extent(const Cameras& cameras) {
  const Tensor positions = cameras.positions();
  const Tensor distances = at::linalg_vector_norm(positions - positions.mean(0, /*keepdim=*/true), 2, {1});
  const double spread = 1.1 * distances.max().item<double>();
  // One camera has no spread: then its distance from the origin tells the size.
  return spread > 1e-6 ? spread : std::max(1e-6, at::linalg_vector_norm(positions[0]).item<double>());
}

/// Every view once, in random order, then again in another.
class ViewOrder {
 public:
  ViewOrder(int64_t views, at::Generator generator) : views_(views), generator_(std::move(generator)) {}
  Tensor next(int64_t count) {
    std::vector<Tensor> picked;
    while (count > 0) {
      if (position_ == order_.numel()) order_ = at::randperm(views_, generator_, at::kLong), position_ = 0;
      const int64_t take = std::min(count, order_.numel() - position_);
      picked.push_back(order_.slice(0, position_, position_ + take));
      position_ += take, count -= take;
    }
    return at::cat(picked);
  }

 private:
  int64_t views_, position_ = 0;
  at::Generator generator_;
  Tensor order_ = at::empty({0}, at::kLong);
};

Tensor picture_loss(const Rendering& rendered, const FitTargets& targets, const Tensor& views, const FitOptions& options) {
  const Tensor truth = targets.rgb.index_select(0, views);
  Tensor loss = (1 - options.ssim_weight) * (rendered.rgb - truth).abs().mean({1, 2, 3});
  if (options.ssim_weight > 0) loss = loss + options.ssim_weight * (1 - ssim(rendered.rgb, truth, SsimBorder::zero_pad));
  if (targets.alpha.defined())
    loss = loss + options.alpha_weight * (rendered.alpha - targets.alpha.index_select(0, views)).abs().mean({1, 2, 3});
  if (targets.weights.defined()) loss = loss * targets.weights.index_select(0, views);
  return loss.mean();
}

void densify(FitParameters& parameters, int64_t step, const FitOptions& options, const at::Generator& generator) {
  const bool within = step >= options.steps / 20 && step < options.steps * 4 / 5;
  if (!within || step % options.densify_every != 0) return;
  relocate_dead(parameters, dead_opacity, generator);
  add_gaussians(parameters, options.growth, options.max_gaussians, generator);
}

}  // namespace

FitOptions quick_fit() {
  FitOptions options;
  options.steps = 2000;
  options.max_gaussians = 30'000;
  options.rates.means *= 10;
  options.exploration /= 10;
  return options;
}

Gaussians fit_gaussians(const Gaussians& start, const FitTargets& targets, const FitOptions& options,
                        const std::function<void(const FitStep&)>& on_step) {
  check_targets(targets);
  require(start.count() > 0, "fit: no Gaussians to start from");
  const at::AutoGradMode with_gradients(true);
  const double extent = scene_extent(targets.cameras);
  const at::Generator generator = make_generator(options.seed);
  FitParameters parameters(start);
  ViewOrder order(targets.cameras.count(), generator);
  RasterizeOptions rasterizing;
  rasterizing.depth = false;
  rasterizing.workspace = std::make_shared<RasterizeWorkspace>();
  const int64_t per_step = std::min(options.views_per_step, targets.cameras.count());
  for (int64_t step = 1; step <= options.steps; ++step) {
    throw_if_cancelled();
    const Tensor views = order.next(per_step).to(targets.rgb.device());
    const Gaussians gaussians = parameters.gaussians();
    const Rendering rendered = rasterize(gaussians, targets.cameras.select(views), targets.background, rasterizing);
    const Tensor loss = picture_loss(rendered, targets, views, options) + options.opacity_weight * gaussians.opacities.mean() +
                        options.scale_weight / extent * gaussians.scales.mean();
    const double value = loss.item<double>();
    require(std::isfinite(value), "fit: the loss is not finite at step {}", step);
    loss.backward();
    FitRates rates = options.rates;
    rates.means *= extent * std::pow(options.final_means_rate, static_cast<double>(step) / static_cast<double>(options.steps));
    parameters.step(rates);
    if (options.max_gaussians > 0) {
      densify(parameters, step, options, generator);
      explore(parameters, options.exploration * rates.means, generator);
    }
    if (on_step) on_step({step, options.steps, parameters.count(), value});
  }
  return parameters.gaussians().detach();
}

}  // namespace gsv3d
