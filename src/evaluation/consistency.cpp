#include "evaluation/consistency.h"

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "evaluation/metrics.h"
#include "evaluation/view_warp.h"
#include "fitting/fit.h"
#include "image/ssim.h"
#include "rasterizer/orbit_render.h"

namespace gsv3d {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

double over_views(const Tensor& per_view) {
  return at::nanmean(per_view).item<double>();
}

double mean_psnr(const Tensor& images, const Tensor& truth) {
  return over_views(psnr(images.clamp(0, 1), truth).clamp_max(largest_psnr));
}

void check(const GeneratedViews& views) {
  const int64_t count = views.cameras.count(), height = views.cameras.height, width = views.cameras.width;
  const std::vector<int64_t> colors = {count, 3, height, width}, values = {count, 1, height, width};
  require(count > 1 && views.rgb.sizes() == colors && views.object_rgb.sizes() == colors &&
              views.object_alpha.sizes() == values && views.object_depth.sizes() == values &&
              (!views.alpha.defined() || views.alpha.sizes() == values),
          "consistency: views, object and cameras must be of one number and size ({} cameras of {} x {} pixels)", count, width,
          height);
}

bool same_pictures(const GeneratedViews& a, const GeneratedViews& b) {
  return a.rgb.defined() && at::equal(a.rgb, b.rgb) && a.alpha.defined() == b.alpha.defined() &&
         (!a.alpha.defined() || at::equal(a.alpha, b.alpha)) && at::equal(a.cameras.world_to_camera, b.cameras.world_to_camera);
}

/// Gaussians fitted to these of the views.
Gaussians fitted(const GeneratedViews& views, const Tensor& chosen, const ConsistencyOptions& options) {
  FitTargets targets{views.cameras.select(chosen), views.rgb.index_select(0, chosen), {}, at::ones({3}), {}};
  if (views.alpha.defined()) targets.alpha = views.alpha.index_select(0, chosen);
  FitOptions fit = quick_fit();
  fit.steps = options.fit_steps;
  fit.max_gaussians = options.gaussians;
  const Gaussians start = initial_gaussians(targets, options.gaussians, fit.seed);
  targets.cameras = targets.cameras.to(options.device);
  targets.rgb = targets.rgb.to(options.device), targets.background = targets.background.to(options.device);
  if (targets.alpha.defined()) targets.alpha = targets.alpha.to(options.device);
  return fit_gaussians(start.to(options.device), targets, fit).to(at::kCPU);
}

}  // namespace

Cameras cameras_between(const Cameras& cameras) {
  const int64_t count = cameras.count(), between = count % 2 == 0 ? count : count - 1;
  const Tensor positions = cameras.positions().to(at::kDouble).contiguous();
  const auto at = positions.accessor<double, 2>();
  const double focal = cameras.intrinsics[0][1][1].item<double>(), degrees = 180 / std::numbers::pi;
  Lens lens;
  lens.fov_y_degrees = 2 * std::atan(0.5 * static_cast<double>(cameras.height) / focal) * degrees;
  std::vector<Cameras> result;
  for (int64_t i = 0; i < between; ++i) {
    const int64_t j = (i + 1) % count;
    const double azimuth = std::atan2(at[i][0], at[i][2]) * degrees;
    const double turn = std::remainder(std::atan2(at[j][0], at[j][2]) * degrees - azimuth, 360.0);
    const double radius_i = std::hypot(at[i][0], at[i][1], at[i][2]), radius_j = std::hypot(at[j][0], at[j][1], at[j][2]);
    const double elevation = (std::asin(at[i][1] / radius_i) + std::asin(at[j][1] / radius_j)) / 2 * degrees;
    lens.radius = (radius_i + radius_j) / 2;
    result.push_back(look_at_cameras({azimuth + turn / 2}, {elevation}, cameras.width, lens));
  }
  return concatenate(result);
}

ConsistencyScorer::FitScores ConsistencyScorer::score_fits(const GeneratedViews& views) const {
  const int64_t count = views.cameras.count();
  if (options_.fit_steps == 0 || count < 4) return {nothing, nothing, nothing, nothing};
  const Gaussians whole = fitted(views, at::arange(count, at::kLong), options_);
  const Gaussians even = fitted(views, at::arange(0, count, 2, at::kLong), options_);
  const Gaussians odd = fitted(views, at::arange(1, count, 2, at::kLong), options_);
  const Cameras held_out = cameras_between(views.cameras);
  const OrbitImages a = render_views(even, held_out, {}), b = render_views(odd, held_out, {});
  return {mean_psnr(render_views(whole, views.cameras, {}).rgb, views.rgb), mean_psnr(a.rgb, b.rgb.clamp(0, 1)),
          over_views(ssim(a.rgb.clamp(0, 1).to(at::kDouble), b.rgb.clamp(0, 1).to(at::kDouble), SsimBorder::valid)),
          over_views(mask_iou(a.alpha, b.alpha))};
}

ConsistencyScores ConsistencyScorer::score(const GeneratedViews& views) {
  check(views);
  ConsistencyScores scores = ConsistencyScores::none();
  scores.render_psnr = mean_psnr(views.object_rgb.slice(0, 1), views.rgb.slice(0, 1));
  if (views.alpha.defined())
    scores.render_mask_iou = over_views(mask_iou(views.object_alpha.slice(0, 1), views.alpha.slice(0, 1)));
  const WarpError near = mean_warp_error(views, 1);
  scores.near_color_error = near.color, scores.near_outline_error = near.outline;
  const WarpError far = mean_warp_error(views, std::max<int64_t>(1, std::lround(static_cast<double>(views.cameras.count()) / 4)));
  scores.far_color_error = far.color, scores.far_outline_error = far.outline;
  if (!same_pictures(fitted_, views)) kept_ = score_fits(views), fitted_ = views;
  scores.fit_psnr = kept_.fit_psnr;
  scores.half_psnr = kept_.half_psnr, scores.half_ssim = kept_.half_ssim, scores.half_mask_iou = kept_.half_mask_iou;
  return scores;
}

}  // namespace gsv3d
