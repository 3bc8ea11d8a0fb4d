#include "rasterizer/depth_normals.h"

#include "core/error.h"

namespace gsv3d {
namespace {

/// Points [C, 3, H, W] behind the pixel centres, in camera axes.
Tensor camera_points(const Tensor& depth, const Cameras& cameras) {
  const auto options = depth.options().requires_grad(false);
  const auto entry = [&](int64_t row, int64_t column) {
    return cameras.intrinsics.to(options).select(1, row).select(1, column).view({-1, 1, 1, 1});
  };
  const Tensor columns = (at::arange(cameras.width, options) + 0.5).view({1, 1, 1, -1});
  const Tensor rows = (at::arange(cameras.height, options) + 0.5).view({1, 1, -1, 1});
  return at::cat({(columns - entry(0, 2)) / entry(0, 0) * depth, (rows - entry(1, 2)) / entry(1, 1) * depth, depth}, 1);
}

}  // namespace

Tensor normals_from_depth(const Tensor& depth, const Cameras& cameras, const Tensor& mask) {
  const std::vector<int64_t> shape = {cameras.count(), 1, cameras.height, cameras.width};
  require(depth.defined() && depth.sizes() == shape, "normals_from_depth: the depth must be [{}]", fmt::join(shape, ", "));
  require(mask.defined() && mask.sizes() == shape, "normals_from_depth: the mask must be [{}]", fmt::join(shape, ", "));
  const int64_t height = cameras.height, width = cameras.width;
  if (height < 3 || width < 3) return at::zeros({cameras.count(), 3, height, width}, depth.options());

  const Tensor points = camera_points(depth, cameras);
  const auto inner = [&](const Tensor& image, int64_t row, int64_t column) {
    return image.slice(2, 1 + row, height - 1 + row).slice(3, 1 + column, width - 1 + column);
  };
  // x points right, y down and z away, so that down × right comes towards the camera.
  const Tensor right = inner(points, 0, 1) - inner(points, 0, -1), down = inner(points, 1, 0) - inner(points, -1, 0);
  const Tensor normal = at::linalg_cross(down, right, 1);
  const Tensor unit = normal / normal.square().sum(1, true).clamp_min(1e-24).sqrt();
  const Tensor rotation = cameras.world_to_camera.to(depth.options()).slice(1, 0, 3).slice(2, 0, 3);
  const Tensor world = at::matmul(rotation.transpose(1, 2), unit.flatten(2)).view(unit.sizes());

  const Tensor surface = mask.scalar_type() == at::kBool ? mask : mask > 0.5;
  const Tensor known =
      inner(surface, 0, 0) & inner(surface, 0, 1) & inner(surface, 0, -1) & inner(surface, 1, 0) & inner(surface, -1, 0);
  // Chosen, not multiplied: where there is no surface the depth may be anything.
  return at::constant_pad_nd(at::where(known, world, at::zeros({}, world.options())), {1, 1, 1, 1});
}

}  // namespace gsv3d
