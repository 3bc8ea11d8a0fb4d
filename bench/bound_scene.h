// The scenes of the rasterizer's benchmarks, and the same bound to the CPU kernels' structs.
#pragma once

#include <cmath>
#include <vector>

#include "camera/camera.h"
#include "rasterizer/cpu/projection.h"
#include "rasterizer/cpu/view.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

/// Gaussians on a sphere of radius 0.4, as a decoder with one Gaussian per pixel puts them: flat, of mixed size and opacity.
/// `deviation` is their mean standard deviation in pixels of an image of `size`. peers/gsplat_rasterizer.py draws the same.
inline Gaussians shell(int64_t count, int64_t size, double deviation, uint64_t seed) {
  const auto generator = make_generator(seed);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kFloat); };
  const double pixels_per_unit = static_cast<double>(size) / 2 / std::tan(33.8 / 2 * 3.14159265358979 / 180) / 2;
  const Tensor direction = randn({count, 3}, generator);
  return {0.4 * direction / direction.norm(2, 1, true), randn({count, 4}, generator),
          deviation / pixels_per_unit * (0.5 + uniform({count, 3})), 0.05 + 0.9 * uniform({count}),
          0.3 * randn({count, 1, 3}, generator)};
}

inline float* data(const Tensor& tensor) {
  return tensor.data_ptr<float>();
}

/// One scene bound to the kernels' structs.
struct BoundScene {
  Gaussians gaussians;
  std::vector<splat_cpu::View> views;
  std::vector<splat_cpu::ViewRange> ranges;
  splat_cpu::SceneRange range;
  splat_cpu::ProjectionParameters projection;

  BoundScene(const Gaussians& g, const Cameras& cameras) : gaussians(g), range{0, g.count(), 0, cameras.count(), 0} {
    for (int64_t v = 0; v < cameras.count(); ++v)
      views.push_back(splat_cpu::make_view(data(cameras.world_to_camera) + 16 * v, data(cameras.intrinsics) + 9 * v, v));
    ranges = splat_cpu::view_ranges(&range, 1);
    projection = {.gaussians = {data(g.means), data(g.quats), data(g.scales), data(g.opacities), data(g.sh),
                                static_cast<int>(g.sh.size(1))},
                  .scenes = &range,
                  .scene_count = 1,
                  .views = views.data(),
                  .grid = splat_cpu::Grid(static_cast<int>(cameras.width), static_cast<int>(cameras.height)),
                  .antialiased = false,
                  .threads = 1};
  }
  BoundScene(const BoundScene&) = delete;
};

}  // namespace gsv3d
