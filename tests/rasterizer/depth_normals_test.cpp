// Normals of depth images against surfaces whose normals are known.
#include "rasterizer/depth_normals.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "goldens.h"

namespace gsv3d {
namespace {

/// Camera z along the rays at which a distance t along the unit direction is reached.
Tensor depth_of(const Tensor& t, const Rays& rays, const Cameras& cameras) {
  const Tensor forward = cameras.world_to_camera.select(1, 2).slice(1, 0, 3).view({-1, 3, 1, 1});
  return t * (rays.directions * forward).sum(1, true);
}

TEST(DepthNormals, Sphere) {
  const double radius = 0.4;
  const auto cameras = orbit_cameras(3, 25, 96);
  const auto rays = camera_rays(cameras, 96, 96);
  const Tensor origin = rays.origins.view({-1, 3, 1, 1});
  const Tensor b = (origin * rays.directions).sum(1, true), c = origin.square().sum(1, true) - radius * radius;
  const Tensor inside = b.square() - c;
  const Tensor t = -b - inside.clamp_min(0).sqrt();
  const Tensor depth = at::where(inside > 0, depth_of(t, rays, cameras), at::full({}, std::nan("")));
  const Tensor normals = normals_from_depth(depth, cameras, inside > 0);
  const Tensor expected = (origin + t * rays.directions) / radius;
  // Away from the rim, where a central difference spans a strongly bent piece.
  const Tensor facing = -(expected * rays.directions).sum(1, true) > 0.5;
  EXPECT_GT(facing.sum().item<int64_t>(), 3 * 1000);
  EXPECT_LE(((normals - expected) * facing).abs().max().item<double>(), 2e-2);
  EXPECT_LE(((normals - expected) * facing).abs().sum().item<double>() / (3 * facing.sum().item<double>()), 2e-3);
  EXPECT_TRUE((normals * (inside <= 0) == 0).all().item<bool>()) << "nothing outside the mask, not even NaN";
  const Tensor length = normals.norm(2, 1);
  EXPECT_TRUE(((length == 0) | ((length - 1).abs() < 1e-5)).all().item<bool>());
}

TEST(DepthNormals, Plane) {
  const auto cameras = look_at_cameras({0, 40, -20}, {10, 30, 20}, 40);
  const auto rays = camera_rays(cameras, 40, 40);
  const Tensor normal = at::tensor({0.2f, 0.5f, 0.8f}) / at::tensor({0.2f, 0.5f, 0.8f}).norm();
  const Tensor n = normal.view({1, 3, 1, 1}), slope = (rays.directions * n).sum(1, true);
  ASSERT_LT(slope.max().item<float>(), -0.3) << "every ray meets the plane from its front";
  const Tensor t = (0.1 - (rays.origins.view({-1, 3, 1, 1}) * n).sum(1, true)) / slope;
  Tensor depth = depth_of(t, rays, cameras).requires_grad_(true);
  const Tensor normals = normals_from_depth(depth, cameras, at::ones_like(depth));
  const Tensor inner = normals.slice(2, 1, 39).slice(3, 1, 39);
  testing::expect_near(inner, n.expand_as(inner), 1e-3, "normals");
  EXPECT_EQ(normals.select(2, 0).abs().max().item<float>(), 0) << "the border has no neighbours";
  normals.sum().backward();
  EXPECT_TRUE(at::isfinite(depth.grad()).all().item<bool>());
}

TEST(DepthNormals, RejectsWrongShapes) {
  const auto cameras = orbit_cameras(2, 0, 8);
  EXPECT_THROW(normals_from_depth(at::ones({2, 8, 8}), cameras, at::ones({2, 1, 8, 8})), Error);
  EXPECT_THROW(normals_from_depth(at::ones({2, 1, 8, 8}), cameras, {}), Error);
  EXPECT_EQ(normals_from_depth(at::ones({1, 1, 2, 2}), orbit_cameras(1, 0, 2), at::ones({1, 1, 2, 2})).abs().sum().item<float>(),
            0);
}

}  // namespace
}  // namespace gsv3d
