#include "mesh/surface_views.h"

#include <c10/core/GradMode.h>

#include <numbers>

#include "core/cancel.h"
#include "core/error.h"
#include "rasterizer/rasterize_scenes.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

constexpr double kVisibleOpacity = 0.05, kTrimmedShare = 0.001;
/// What bounds the memory of one call to the rasterizer.
constexpr int64_t kPixelsAtOnce = int64_t{1} << 20, kGaussiansAtOnce = int64_t{1} << 21;
/// The surface is where fuzz begins, not in its middle: so many standard deviations of the blended depths before their mean.
/// Crisp Gaussians have no spread and are not moved. Tuned on the validation objects: docs/mesh.md.
constexpr double kFrontSpread = 1;

float order_statistic(const Tensor& values, int64_t rank) {
  return std::get<0>(values.kthvalue(rank + 1)).item<float>();
}

/// The standard deviation of the depths that are blended in each pixel, [C, 1, H, W]: the Gaussians' camera z and its square are
/// rendered like colours. Depths count from that of the world's origin, where float32 is finer.
Tensor depth_spread(const Gaussians& gaussians, const Cameras& cameras) {
  std::vector<RasterizeScene> scenes;
  for (int64_t c = 0; c < cameras.count(); ++c) {
    const Tensor forward = cameras.world_to_camera[c][2].slice(0, 0, 3);
    const Tensor z = (gaussians.means * forward).sum(1);
    scenes.push_back({gaussians, at::stack({z, z.square(), at::zeros_like(z)}, 1), cameras.slice(c, c + 1), {}});
  }
  std::vector<Tensor> spreads;
  for (const Rendering& rendering : rasterize_scenes(scenes, {.depth = false})) {
    const Tensor moments = rendering.rgb / rendering.alpha.clamp_min(1e-10);
    spreads.push_back((moments.slice(1, 1, 2) - moments.slice(1, 0, 1).square()).clamp_min(0).sqrt());
  }
  return at::cat(spreads);
}

}  // namespace

Box visible_box(const Gaussians& gaussians) {
  require(gaussians.count() > 0, "mesh: there are no Gaussians");
  const Gaussians seen = prune(gaussians.to(at::kCPU), kVisibleOpacity);
  require(seen.count() > 0, "mesh: all Gaussians are nearly transparent (opacity below {}), so there is no surface",
          kVisibleOpacity);
  const auto trimmed = static_cast<int64_t>(kTrimmedShare * static_cast<double>(seen.count()));
  // A Gaussian's reach along any axis is at most that of its middle standard deviation or so: surfaces are flat discs.
  const Tensor reach = std::get<0>(seen.scales.median(1));
  std::array<float, 3> low, high;
  for (int64_t axis = 0; axis < 3; ++axis) {
    const Tensor place = seen.means.select(1, axis);
    low[axis] = order_statistic(place - reach, trimmed);
    high[axis] = order_statistic(place + reach, seen.count() - 1 - trimmed);
  }
  return {{low[0], low[1], low[2]}, {high[0], high[1], high[2]}};
}

Cameras surround_cameras(const Box& box, const SurroundPlan& plan) {
  require(plan.count >= 1 && plan.pixel > 0, "mesh: {} cameras with pixels of {}", plan.count, plan.pixel);
  constexpr double radians = std::numbers::pi / 180, golden_angle_degrees = 137.50776405003785, margin = 1.05;
  const double low = std::sin(plan.min_elevation_degrees * radians), high = std::sin(plan.max_elevation_degrees * radians);
  std::vector<double> azimuths, elevations;
  for (int64_t i = 0; i < plan.count; ++i) {
    azimuths.push_back(std::fmod(golden_angle_degrees * static_cast<double>(i), 360.0));
    elevations.push_back(std::asin(low + (high - low) * (static_cast<double>(i) + 0.5) / static_cast<double>(plan.count)) /
                         radians);
  }
  const double reach = 0.5 * margin * length(box.size());
  Lens lens;
  lens.radius = reach / std::sin(0.5 * lens.fov_y_degrees * radians);
  const double width = 2 * std::tan(0.5 * lens.fov_y_degrees * radians) * lens.radius;  // seen at the centre's distance
  const int64_t size = std::clamp<int64_t>(std::llround(std::ceil(width / plan.pixel)), 16, plan.max_size);
  Cameras cameras = look_at_cameras(azimuths, elevations, size, lens);
  const Vector3 center = box.center();
  const Tensor offset = at::tensor({center.x, center.y, center.z}, at::kFloat).view({3, 1});
  const Tensor rotation = cameras.world_to_camera.slice(1, 0, 3).slice(2, 0, 3);
  cameras.world_to_camera = cameras.world_to_camera.clone();
  cameras.world_to_camera.slice(1, 0, 3).slice(2, 3, 4).sub_(at::matmul(rotation, offset));
  return cameras;
}

SurfaceViews render_surface(const Gaussians& gaussians, const Cameras& cameras) {
  const c10::NoGradGuard no_grad;
  const Gaussians on_cpu = gaussians.to(at::kCPU);
  const int64_t count = cameras.count();
  const int64_t step = std::max<int64_t>(
      1, std::min(kPixelsAtOnce / (cameras.width * cameras.height), kGaussiansAtOnce / std::max<int64_t>(1, on_cpu.count())));
  SurfaceViews views = {at::empty({count, cameras.height, cameras.width, 4}), at::empty({count, cameras.height, cameras.width}),
                        cameras.to(at::kCPU)};
  for (int64_t begin = 0; begin < count; begin += step) {
    throw_if_cancelled();
    const Cameras some = views.cameras.slice(begin, std::min(begin + step, count));
    const Rendering rendering = rasterize(on_cpu, some);
    const auto target = [&](const Tensor& images) { return images.slice(0, begin, begin + some.count()); };
    target(views.color).copy_(at::cat({rendering.rgb, rendering.alpha}, 1).permute({0, 2, 3, 1}));
    const Tensor front = expected_depth(rendering) - kFrontSpread * depth_spread(on_cpu, some);
    target(views.depth).copy_(at::where(rendering.alpha >= kSolidAlpha, front, at::zeros({})).squeeze(1));
  }
  return views;
}

}  // namespace gsv3d
