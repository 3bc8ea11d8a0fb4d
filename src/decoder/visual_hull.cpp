#include "decoder/visual_hull.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/device.h"
#include "core/error.h"

namespace gsv3d {
namespace {

constexpr int64_t kBilinear = 0, kZeros = 0;          // of at::grid_sampler: interpolation, and what lies outside
constexpr int64_t kSamplesAtOnce = int64_t{1} << 24;  // 200 MB of positions

/// [V, 3, 4]: homogeneous points → (x, y, 1) · camera z, x and y in -1…1 from border to border of the picture.
Tensor projections(const Cameras& cameras, const at::TensorOptions& options) {
  const Tensor intrinsics = cameras.intrinsics.to(options), pose = cameras.world_to_camera.slice(1, 0, 3).to(options);
  // By rows and without a matrix product, whose TF32 on a GPU would move the silhouettes by a tenth of a pixel.
  const auto row = [&](int64_t i) { return (intrinsics.select(1, i).unsqueeze(-1) * pose).sum(1); };
  const Tensor depth = row(2);
  const double across = 2.0 / static_cast<double>(cameras.width), down = 2.0 / static_cast<double>(cameras.height);
  return at::stack({row(0) * across - depth, row(1) * down - depth, depth}, 1);
}

/// [B, G, G, G, 2]: where one view of every item sees the lattice's points. `projection` [B, 3, 4].
Tensor lattice_in_view(const Tensor& projection, const Tensor& axis) {
  const int64_t items = projection.size(0);
  const auto column = [&](int64_t i) { return projection.select(2, i).view({items, 1, 1, 1, 3}); };
  const Tensor plane = column(0) * axis.view({1, 1, 1, -1, 1}) + column(1) * axis.view({1, 1, -1, 1, 1}) + column(3);
  const Tensor points = plane + column(2) * axis.view({1, -1, 1, 1, 1});
  return points.narrow(-1, 0, 2) / points.narrow(-1, 2, 1).clamp_min(1e-3);
}

/// Expected distance and total opacity of rays with these occupancies [..., S] at the middles of S equal steps.
HullSurface march(const VisualHullConfig& config, const Tensor& occupancy) {
  // 1 - σ(x) = exp(-softplus(x)): transmittance is the exponential of a sum. What σ leaves at occupancy 0 is taken off, so that
  // empty space is empty.
  const double nothing = std::log1p(std::exp(-config.sharpness * config.threshold));
  const Tensor density = at::softplus(config.sharpness * (occupancy - config.threshold)) - nothing;
  const Tensor transmittance = at::exp(-density.cumsum(-1));
  const Tensor last = transmittance.select(-1, config.samples - 1);
  const double step = (config.far - config.near) / static_cast<double>(config.samples);
  const double first_distance = config.near + step / 2, last_distance = config.far - step / 2;
  // Σ (T_{k-1} - T_k) t_k, summed by parts.
  const Tensor sum = first_distance + step * (transmittance.sum(-1) - last) - last * last_distance;
  constexpr double weight_of_a_miss = 0.01;
  const Tensor hit = 1 - last;
  const double middle = (config.near + config.far) / 2;
  return {(sum + weight_of_a_miss * middle) / (hit + weight_of_a_miss), hit};
}

}  // namespace

void check_visual_hull(const VisualHullConfig& c) {
  require(c.grid >= 2 && c.grid <= 512 && c.samples >= 1, "hull: a lattice of {} points a side and {} samples", c.grid,
          c.samples);
  require(c.half_side > 0 && 0 < c.near && c.near < c.far && c.sharpness > 0, "hull: half_side {}, near {}, far {}, sharpness {}",
          c.half_side, c.near, c.far, c.sharpness);
  require(c.dissent >= 0 && c.dissent <= 1, "hull: dissent {} is not between 0 and 1", c.dissent);
  require(c.silhouettes == "alpha" || c.silhouettes == "features",
          "hull: silhouettes \"{}\" are neither \"alpha\" nor \"features\"", c.silhouettes);
}

Tensor hull_occupancy(const VisualHullConfig& config, const Tensor& silhouettes, const Cameras& cameras) {
  require(silhouettes.dim() == 4 && cameras.count() == silhouettes.size(0) * silhouettes.size(1) && silhouettes.numel() > 0,
          "visual hull: silhouettes {} and {} cameras", fmt::join(silhouettes.sizes(), " x "), cameras.count());
  const int64_t items = silhouettes.size(0), views = silhouettes.size(1), side = config.grid;
  const Tensor projection = projections(cameras, silhouettes.options()).view({items, views, 3, 4});
  const Tensor axis = at::linspace(-config.half_side, config.half_side, side, silhouettes.options());
  // View after view, so that only the two smallest values of each point are kept.
  Tensor smallest, second;
  for (int64_t view = 0; view < views; ++view) {
    const Tensor grid = lattice_in_view(projection.select(1, view), axis).view({items, side, side * side, 2});
    const Tensor seen = at::grid_sampler(silhouettes.narrow(1, view, 1), grid, kBilinear, kZeros, /*align_corners=*/false);
    if (view == 0) {
      smallest = seen;
      continue;
    }
    if (config.dissent > 0) {
      const Tensor larger = at::maximum(smallest, seen);
      second = view == 1 ? larger : at::minimum(second, larger);
    }
    smallest = at::minimum(smallest, seen);
  }
  const Tensor occupancy = second.defined() ? at::lerp(smallest, second, config.dissent) : smallest;
  return occupancy.view({items, side, side, side});
}

HullSurface visual_hull(const VisualHullConfig& config, const Tensor& silhouettes, const Cameras& cameras, int64_t height,
                        int64_t width) {
  const Autocast off(silhouettes.device().type(), at::kFloat);
  const Tensor volume = hull_occupancy(config, silhouettes, cameras).unsqueeze(1);
  const int64_t items = silhouettes.size(0), views = silhouettes.size(1), pixels = height * width;
  const Rays rays = camera_rays(cameras, height, width);
  const auto options = silhouettes.options();
  const Tensor origins = (rays.origins.to(options) / config.half_side).view({items, views, 1, 1, 3});
  const Tensor directions =
      (rays.directions.to(options) / config.half_side).flatten(2).transpose(1, 2).reshape({items, views, pixels, 1, 3});
  const Tensor middles =
      (at::arange(config.samples, options) + 0.5) * ((config.far - config.near) / config.samples) + config.near;
  const Tensor distances = middles.view({-1, 1});

  const int64_t at_once = std::clamp<int64_t>(kSamplesAtOnce / (items * pixels * config.samples), 1, views);
  std::vector<Tensor> distance, hit;
  for (int64_t first = 0; first < views; first += at_once) {
    const int64_t count = std::min(at_once, views - first);
    const Tensor points = at::addcmul(origins.narrow(1, first, count), directions.narrow(1, first, count), distances);
    const Tensor occupancy = at::grid_sampler(volume, points, kBilinear, kZeros, /*align_corners=*/true).squeeze(1);
    const HullSurface part = march(config, occupancy);
    distance.push_back(part.distance), hit.push_back(part.hit);
  }
  const auto join = [&](const std::vector<Tensor>& parts) { return at::cat(parts, 1).view({items, views, height, width}); };
  return {join(distance), join(hit)};
}

}  // namespace gsv3d
