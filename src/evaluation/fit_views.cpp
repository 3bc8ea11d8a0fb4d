#include "evaluation/fit_views.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "evaluation/metrics.h"
#include "rasterizer/orbit_render.h"

namespace gsv3d {
namespace {

constexpr double min_opacity = 0.005;

/// The chosen pictures over white.
FitTargets targets_of(const PosedViews& views, const Tensor& chosen) {
  const Tensor rgba = views.rgba.index_select(0, chosen).to(at::kFloat) / 255;
  const Tensor alpha = rgba.slice(1, 3, 4).contiguous();
  FitTargets targets{views.cameras.select(chosen), rgba.slice(1, 0, 3) * alpha + 1 - alpha, {}, at::ones({3}), {}};
  if (views.rgba.select(1, 3).lt(255).any().item<bool>()) targets.alpha = alpha;
  return targets;
}

FitTargets to(FitTargets targets, at::Device device) {
  targets.cameras = targets.cameras.to(device);
  targets.rgb = targets.rgb.to(device), targets.background = targets.background.to(device);
  if (targets.alpha.defined()) targets.alpha = targets.alpha.to(device);
  return targets;
}

double mean_psnr(const Gaussians& gaussians, const FitTargets& targets) {
  const OrbitImages images = render_views(gaussians, targets.cameras, {});
  return psnr(images.rgb.clamp(0, 1), targets.rgb).clamp_max(100).mean().item<double>();
}

}  // namespace

FittedViews fit_views(const PosedViews& views, const FitViewsOptions& options,
                      const std::function<void(const FitStep&)>& on_step) {
  require(views.cameras.width >= 11 && views.cameras.height >= 11, "{}: pictures of {} x {} pixels are too small to fit",
          views.id, views.cameras.width, views.cameras.height);
  const Tensor all = at::arange(views.cameras.count(), at::kLong);
  const Tensor held_out = options.hold_out > 0 ? all.remainder(options.hold_out).eq(0) : at::zeros_like(all, at::kBool);
  const Tensor fitted = all.index({held_out.logical_not()}), scored = all.index({held_out});
  require(fitted.numel() > 0, "{}: with every {}th view held out none is left to fit", views.id, options.hold_out);
  const FitTargets targets = targets_of(views, fitted);
  Gaussians start = initial_gaussians(targets, std::min(options.initial_gaussians, options.fit.max_gaussians), options.fit.seed);
  const int64_t coefficients = (options.sh_degree + 1) * (options.sh_degree + 1);
  start.sh = at::cat({start.sh, at::zeros({start.count(), coefficients - 1, 3})}, 1);
  FittedViews result;
  result.gaussians =
      prune(fit_gaussians(start.to(options.device), to(targets, options.device), options.fit, on_step).to(at::kCPU), min_opacity);
  result.fitted_count = fitted.numel(), result.held_out_count = scored.numel();
  result.fitted_psnr = mean_psnr(result.gaussians, targets);
  if (scored.numel() > 0) result.held_out_psnr = mean_psnr(result.gaussians, targets_of(views, scored));
  return result;
}

}  // namespace gsv3d
