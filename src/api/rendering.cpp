#include <c10/core/GradMode.h>

#include "api/handles.h"
#include "fitting/fit.h"
#include "rasterizer/rasterizer.h"

using namespace gsv3d;
using namespace gsv3d::api;

namespace {

constexpr int64_t kMaxSide = 16384;  ///< pixels

Cameras cameras_of(const gsv3d_camera* cameras, int64_t count, int64_t width, int64_t height) {
  given(cameras, "cameras");
  if (count < 1) throw UsageError(fmt::format("{} cameras: there must be at least one", count));
  if (std::min(width, height) < 1 || std::max(width, height) > kMaxSide)
    throw UsageError(fmt::format("pictures of {} x {} pixels: a side must be 1 to {}", width, height, kMaxSide));
  Cameras result{at::empty({count, 4, 4}), at::empty({count, 3, 3}), width, height};
  for (int64_t index = 0; index < count; ++index) {
    std::copy_n(cameras[index].world_to_camera, 16, result.world_to_camera.mutable_data_ptr<float>() + 16 * index);
    std::copy_n(cameras[index].intrinsics, 9, result.intrinsics.mutable_data_ptr<float>() + 9 * index);
  }
  return result;
}

Tensor color_of(const float (&rgb)[3]) {
  return at::tensor({rgb[0], rgb[1], rgb[2]});
}

void copy_out(const Tensor& tensor, float* to) {
  const Tensor plain = tensor.contiguous();
  std::copy_n(plain.const_data_ptr<float>(), plain.numel(), to);
}

Tensor copied(const float* values, at::IntArrayRef shape) {
  return at::from_blob(const_cast<float*>(values), shape, at::kFloat).clone();
}

}  // namespace

gsv3d_status gsv3d_orbit_cameras(int64_t count, double elevation, double radius, double fov_y, int64_t size,
                                 gsv3d_camera* cameras) {
  return guarded([&] {
    given(cameras, "cameras");
    if (count < 1) throw UsageError(fmt::format("{} cameras: there must be at least one", count));
    if (!(radius > 0)) throw UsageError(fmt::format("radius = {}: it must be above 0", radius));
    if (!(fov_y > 0 && fov_y < 180)) throw UsageError(fmt::format("fov_y = {}: it must be between 0 and 180 degrees", fov_y));
    if (size < 1 || size > kMaxSide) throw UsageError(fmt::format("size = {}: it must be 1 to {} pixels", size, kMaxSide));
    const Cameras made = orbit_cameras(count, elevation, size, {radius, fov_y});
    const Tensor poses = made.world_to_camera.contiguous(), intrinsics = made.intrinsics.contiguous();
    for (int64_t index = 0; index < count; ++index) {
      std::copy_n(poses.const_data_ptr<float>() + 16 * index, 16, cameras[index].world_to_camera);
      std::copy_n(intrinsics.const_data_ptr<float>() + 9 * index, 9, cameras[index].intrinsics);
    }
  });
}

void gsv3d_rasterize_options_init(gsv3d_rasterize_options* options, size_t size) {
  hand_out(options, size, {0, {0, 0, 0}, 0});
}

gsv3d_status gsv3d_rasterize(const gsv3d_gaussians* gaussians, const gsv3d_camera* cameras, int64_t count, int64_t width,
                             int64_t height, const gsv3d_rasterize_options* options, float* rgb, float* alpha, float* depth) {
  return guarded([&] {
    const auto wanted = over_defaults(options, gsv3d_rasterize_options_init);
    const Cameras views = cameras_of(cameras, count, width, height);
    RasterizeOptions how;
    how.depth = depth != nullptr;
    how.antialiased = wanted.antialiased != 0;
    const c10::NoGradGuard no_grad;
    const Rendering rendering = rasterize(given(gaussians, "gaussians")->values, views, color_of(wanted.background), how);
    if (rgb) copy_out(rendering.rgb, rgb);
    if (alpha) copy_out(rendering.alpha, alpha);
    if (depth) copy_out(rendering.depth, depth);
  });
}

void gsv3d_fit_options_init(gsv3d_fit_options* options, size_t size) {
  const FitOptions defaults;
  constexpr int64_t start_count = 10'000;
  hand_out(options, size, {0, defaults.seed, defaults.steps, start_count, defaults.max_gaussians, {1, 1, 1}, nullptr, nullptr});
}

gsv3d_status gsv3d_fit(const gsv3d_gaussians* start, const gsv3d_camera* cameras, int64_t count, int64_t width, int64_t height,
                       const float* rgb, const float* alpha, const gsv3d_fit_options* options, gsv3d_gaussians** gaussians) {
  return guarded([&] {
    given(rgb, "rgb"), given(gaussians, "gaussians");
    const auto wanted = over_defaults(options, gsv3d_fit_options_init);
    FitTargets targets;
    targets.cameras = cameras_of(cameras, count, width, height);
    targets.rgb = copied(rgb, {count, 3, height, width});
    if (alpha) targets.alpha = copied(alpha, {count, 1, height, width});
    targets.background = color_of(wanted.background);
    FitOptions how;
    how.seed = wanted.seed;
    how.steps = wanted.steps;
    how.max_gaussians = wanted.max_gaussians;
    if (wanted.steps < 1 || wanted.start_count < 1) throw UsageError("steps and start_count must be at least 1");
    const Gaussians from = start ? start->values : initial_gaussians(targets, wanted.start_count, wanted.seed);
    *gaussians = handle_of(fit_gaussians(from, targets, how, [&](const FitStep& step) {
      report_progress(wanted.progress, wanted.user, "fit", step.done, step.total);
    }));
  });
}
