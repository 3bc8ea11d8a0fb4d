#include "pipeline/view_fit.h"

#include <c10/core/GradMode.h>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr int64_t largest_cpu_view = 256;
constexpr int64_t first_gaussians = 10'000;

}  // namespace

Gaussians fit_to_views(const Tensor& views, const Cameras& cameras, int64_t steps, uint64_t seed, at::Device device,
                       const std::function<void(const FitStep&)>& on_step) {
  require(views.dim() == 4 && views.size(0) == cameras.count() && views.size(2) == cameras.height, "fit: {} views, {} cameras",
          views.size(0), cameras.count());
  const c10::NoGradGuard no_grad;
  FitTargets targets;
  targets.cameras = cameras.to(device);
  targets.rgb = views.to(device);
  targets.background = at::ones({3}, targets.rgb.options());
  if (device.is_cpu() && cameras.height > largest_cpu_view) {
    targets.cameras = cameras.resized(largest_cpu_view, largest_cpu_view);
    targets.rgb = at::_upsample_bilinear2d_aa(targets.rgb, {largest_cpu_view, largest_cpu_view}, /*align_corners=*/false);
  }
  FitOptions options = quick_fit();
  options.seed = seed;
  options.steps = steps;
  // Generated views contradict each other a little: fewer Gaussians blend what more would tear apart.
  options.max_gaussians = device.is_cpu() ? 40'000 : 150'000;
  return fit_gaussians(initial_gaussians(targets, first_gaussians, seed), targets, options, on_step);
}

}  // namespace gsv3d
