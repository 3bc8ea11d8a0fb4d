// Cameras against the conventions written in the header: where known points land, which way orbits turn, what rays pass through.
#include "camera/camera.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;

/// Pixel coordinates and camera z of one world point: [C, 3] (u, v, z).
Tensor project(const Cameras& cameras, std::vector<double> point) {
  point.push_back(1);
  const Tensor homogeneous = at::tensor(at::ArrayRef<double>(point), at::kFloat);
  const Tensor in_camera = at::matmul(cameras.world_to_camera, homogeneous).slice(1, 0, 3);
  const Tensor pixels = at::matmul(cameras.intrinsics, in_camera.unsqueeze(-1)).squeeze(-1);
  return at::cat({pixels.slice(1, 0, 2) / pixels.slice(1, 2, 3), in_camera.slice(1, 2, 3)}, 1);
}

TEST(Cameras, FrontViewSeesRightAsRightAndUpAsUp) {
  const Cameras front = look_at_cameras({0}, {0}, 64, {2, 33.8});
  const double focal = 32 / std::tan(16.9 * std::numbers::pi / 180);
  expect_near(project(front, {0, 0, 0}), at::tensor({32.f, 32.f, 2.f}).view({1, 3}), 1e-5, "origin");
  // At depth 2 a point 0.2 to the right (+X) lands focal · 0.1 pixels right, one 0.2 up lands as many pixels up (smaller v).
  expect_near(project(front, {0.2, 0, 0}), at::tensor({float(32 + focal * 0.1), 32.f, 2.f}).view({1, 3}), 1e-4, "right");
  expect_near(project(front, {0, 0.2, 0}), at::tensor({32.f, float(32 - focal * 0.1), 2.f}).view({1, 3}), 1e-4, "up");
  expect_near(project(front, {0, 0, 0.5}), at::tensor({32.f, 32.f, 1.5f}).view({1, 3}), 1e-5, "near");
}

TEST(Cameras, FieldOfViewReachesTheImageEdge) {
  const Cameras front = look_at_cameras({0}, {0}, 100, {3, 60});
  const double half = 3 * std::tan(std::numbers::pi / 6);
  EXPECT_NEAR(project(front, {0, half, 0})[0][1].item<double>(), 0, 1e-4);
  EXPECT_NEAR(project(front, {half, 0, 0})[0][0].item<double>(), 100, 1e-4);
}

TEST(Cameras, AzimuthGrowsFromPlusZTowardsPlusX) {
  const Tensor positions = orbit_cameras(4, 0, 32, {2, 33.8}).positions();
  expect_near(positions, at::tensor({0.f, 0.f, 2.f, 2.f, 0.f, 0.f, 0.f, 0.f, -2.f, -2.f, 0.f, 0.f}).view({4, 3}), 1e-6, "orbit");
  const Tensor raised = look_at_cameras({30}, {20}, 32, {1.5, 40}).positions()[0];
  const double a = std::numbers::pi / 6, e = std::numbers::pi / 9;
  expect_near(
      raised,
      at::tensor({float(1.5 * std::cos(e) * std::sin(a)), float(1.5 * std::sin(e)), float(1.5 * std::cos(e) * std::cos(a))}),
      1e-6, "raised");
}

TEST(Cameras, RotationsAreRightHandedEvenAtThePoles) {
  const Cameras cameras = look_at_cameras({0, 77, 200, 10}, {0, -30, 90, -90}, 16);
  const Tensor rotation = cameras.world_to_camera.slice(1, 0, 3).slice(2, 0, 3);
  expect_near(at::matmul(rotation, rotation.transpose(1, 2)), at::eye(3).expand({4, 3, 3}), 1e-6, "orthonormal");
  expect_near(at::linalg_det(rotation), at::ones({4}), 1e-6, "determinant");
  expect_near(project(cameras, {0, 0, 0}), at::tensor({8.f, 8.f, 2.f}).expand({4, 3}), 1e-5, "origin in the centre");
}

TEST(Cameras, ResizingScalesPixelsOnly) {
  const Cameras cameras = orbit_cameras(3, 15, 64);
  const Tensor before = project(cameras, {0.1, 0.2, -0.1}), after = project(cameras.resized(128, 32), {0.1, 0.2, -0.1});
  expect_near(after, before * at::tensor({2.f, 0.5f, 1.f}), 1e-4, "resized");
}

TEST(Cameras, RotateAzimuthBringsThatAzimuthToZero) {
  const Cameras original = look_at_cameras({40, 100}, {10, -20}, 64), expected = look_at_cameras({0, 60}, {10, -20}, 64);
  expect_near(rotate_azimuth(original, 40).world_to_camera, expected.world_to_camera, 1e-6, "turned");
}

TEST(Cameras, MirroredCamerasSeeTheMirroredWorldFlipped) {
  const Cameras original = look_at_cameras({25, 260}, {10, 40}, 64), flipped = mirrored(original);
  const Tensor seen = project(original, {0.3, -0.1, 0.2}), seen_flipped = project(flipped, {-0.3, -0.1, 0.2});
  expect_near(seen_flipped.select(1, 0), 64 - seen.select(1, 0), 1e-4, "columns are flipped");
  expect_near(seen_flipped.slice(1, 1, 3), seen.slice(1, 1, 3), 1e-4, "rows and depth stay");
  expect_near(flipped.world_to_camera, look_at_cameras({-25, -260}, {10, 40}, 64).world_to_camera, 1e-6, "orbit runs backwards");
}

TEST(Cameras, RaysPassThroughWhatProjectsToTheirPixel) {
  const Cameras cameras = look_at_cameras({15, 190}, {25, -5}, 64);
  const Rays rays = camera_rays(cameras, 16, 8);
  expect_near(at::linalg_vector_norm(rays.directions, 2, {1}), at::ones({2, 16, 8}), 1e-6, "unit length");
  for (int64_t camera = 0; camera < 2; ++camera) {
    const Tensor point = rays.origins[camera] + 1.7 * rays.directions[camera].select(1, 11).select(1, 3);
    const Tensor pixel = project(cameras, {point[0].item<double>(), point[1].item<double>(), point[2].item<double>()})[camera];
    EXPECT_NEAR(pixel[0].item<double>(), 3.5 * 8, 1e-3);   // column 3 of 8 over 64 pixels
    EXPECT_NEAR(pixel[1].item<double>(), 11.5 * 4, 1e-3);  // row 11 of 16
  }
}

TEST(Cameras, PluckerMomentIsOriginCrossDirectionForAnyPointOfTheRay) {
  const Cameras cameras = orbit_cameras(5, 12, 32);
  const Tensor plucker = plucker_rays(cameras, 4, 4);
  ASSERT_EQ(plucker.sizes(), at::IntArrayRef({5, 6, 4, 4}));
  const Rays rays = camera_rays(cameras, 4, 4);
  const Tensor points = rays.origins.view({5, 3, 1, 1}) + 2.3 * rays.directions;
  expect_near(plucker.slice(1, 3, 6), at::linalg_cross(points, rays.directions, 1), 2e-6, "moment");
  expect_near(plucker.slice(1, 0, 3), rays.directions, 0, "direction");
}

TEST(Cameras, RandomCamerasStayBetweenTheLimitsAndRepeat) {
  const auto heights = [](uint64_t seed) { return random_cameras(200, -10, 40, 16, make_generator(seed)).positions(); };
  const Tensor positions = heights(5), sines = positions.select(1, 1) / 2;
  const double low = std::sin(-10 * std::numbers::pi / 180), high = std::sin(40 * std::numbers::pi / 180);
  EXPECT_GE(sines.min().item<double>(), low - 1e-6);
  EXPECT_LE(sines.max().item<double>(), high + 1e-6);
  // Uniform sine: mean in the middle, standard error (high - low) / sqrt(12 · 200) = 0.017.
  EXPECT_NEAR(sines.mean().item<double>(), (low + high) / 2, 0.06);
  EXPECT_TRUE(at::equal(positions, heights(5)));
  EXPECT_FALSE(at::equal(positions, heights(6)));
}

TEST(Cameras, SelectSliceAndConcatenateKeepOrder) {
  const Cameras cameras = orbit_cameras(6, 0, 16);
  const Cameras joined = concatenate({cameras.slice(4, 6), cameras.select(at::tensor({1, 0}, at::kLong))});
  ASSERT_EQ(joined.count(), 4);
  for (const auto& [index, source] : std::vector<std::pair<int64_t, int64_t>>{{0, 4}, {1, 5}, {2, 1}, {3, 0}})
    EXPECT_TRUE(at::equal(joined.world_to_camera[index], cameras.world_to_camera[source]));
  EXPECT_THROW(cameras.slice(4, 7), Error);
  EXPECT_THROW(concatenate({cameras, cameras.resized(8, 8)}), Error);
}

TEST(Camera, SeesPointsWhereThePinholePutsThem) {
  const Cameras cameras = look_at_cameras({0, 90}, {0, 0}, 64);
  const double focal = cameras.intrinsics[0][0][0].item<double>();
  // The origin; a tenth to the right of the first camera, which is towards the second; behind the first; far outside.
  const Tensor points = at::tensor({0.f, 0.f, 0.f, 0.1f, 0.f, 0.f, 0.f, 0.f, 3.f, 0.f, 5.f, 0.f}).view({4, 3});
  const SeenPoints seen = seen_points(cameras, points);
  EXPECT_NEAR(seen.x[0][0].item<double>(), 32, 1e-4);
  EXPECT_NEAR(seen.y[0][0].item<double>(), 32, 1e-4);
  EXPECT_NEAR(seen.z[0][0].item<double>(), 2, 1e-5);
  EXPECT_NEAR(seen.x[0][1].item<double>(), 32 + focal * 0.1 / 2, 1e-3);
  EXPECT_NEAR(seen.z[1][1].item<double>(), 1.9, 1e-5);
  EXPECT_NEAR(seen.z[0][2].item<double>(), -1, 1e-5);
  const Tensor pixels = pixels_of(seen, cameras);
  EXPECT_EQ(pixels[0][1].item<int64_t>(), 32 * 64 + static_cast<int64_t>(32 + focal * 0.1 / 2));
  EXPECT_EQ(pixels[0][2].item<int64_t>(), -1) << "behind the camera";
  EXPECT_EQ(pixels[0][3].item<int64_t>(), -1) << "outside of the picture";
}

}  // namespace
}  // namespace gsv3d
