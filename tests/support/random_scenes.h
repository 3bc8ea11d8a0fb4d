// Random scenes of Gaussians, and cameras around them.
#pragma once

#include "camera/camera.h"
#include "rasterizer/rasterize_scenes.h"

namespace gsv3d::testing {

/// Gaussians in the cube of side 1 around the origin, large enough to overlap, some nearly opaque.
inline Gaussians random_gaussians(int64_t count, int64_t sh_coefficients, uint64_t seed) {
  const auto generator = make_generator(seed);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kFloat); };
  return {uniform({count, 3}) - 0.5, randn({count, 4}, generator), 0.01 + 0.09 * uniform({count, 3}),
          (1.1 * uniform({count})).clamp_max(0.999), 0.4 * randn({count, sh_coefficients, 3}, generator)};
}

/// Cameras on an orbit, for images that are not square.
inline Cameras wide_cameras(int64_t count, int64_t width, int64_t height) {
  auto cameras = orbit_cameras(count, 20, height);
  cameras.width = width;
  cameras.intrinsics = cameras.intrinsics.clone();
  cameras.intrinsics.select(1, 0).select(1, 2).fill_(width / 2.0 - 3.25);
  return cameras;
}

/// Everything that gradients flow to.
inline std::vector<Tensor> leaves(RasterizeScene& scene) {
  auto& g = scene.gaussians;
  std::vector<Tensor> tensors = {g.means, g.quats, g.scales, g.opacities};
  tensors.push_back(scene.colors.defined() ? scene.colors : g.sh);
  tensors.push_back(scene.cameras.world_to_camera);
  return tensors;
}

/// A deep copy in another type whose leaves require gradients.
inline RasterizeScene leaf_copy(const RasterizeScene& scene, at::ScalarType type) {
  const auto leaf = [&](const Tensor& tensor) {
    return tensor.defined() ? tensor.detach().to(type).clone().requires_grad_(true) : Tensor();
  };
  RasterizeScene copy = scene;
  const auto& g = scene.gaussians;
  copy.gaussians = {leaf(g.means), leaf(g.quats), leaf(g.scales), leaf(g.opacities), leaf(g.sh)};
  copy.colors = leaf(scene.colors);
  copy.cameras.world_to_camera = leaf(scene.cameras.world_to_camera);
  copy.cameras.intrinsics = scene.cameras.intrinsics.to(type);
  return copy;
}

}  // namespace gsv3d::testing
