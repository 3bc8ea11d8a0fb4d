// Placement of Gaussians along rays, and rotations in the camera's axes.
#include "decoder/gaussian_head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "decoder_toy.h"
#include "gaussians/rotations.h"
#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;

Tensor matrices_from_quaternions(const Tensor& quats) {
  const auto q = (quats / at::linalg_vector_norm(quats, 2, {-1}, true)).unbind(-1);
  const Tensor &w = q[0], &x = q[1], &y = q[2], &z = q[3];
  return at::stack({1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),  //
                    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),  //
                    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)},
                   -1)
      .unflatten(-1, {3, 3});
}

Tensor covariances(const Gaussians& gaussians) {
  const Tensor factors = matrices_from_quaternions(gaussians.quats) * gaussians.scales.unsqueeze(1);
  return at::matmul(factors, factors.transpose(1, 2));
}

TEST(GaussianHead, QuaternionsOfMatricesIncludeHalfTurns) {
  const Tensor half_turns = at::eye(4, at::kDouble);  // identity and half turns about x, y, z
  const Tensor quats =
      at::cat({half_turns, at::randn({50, 4}, at::kDouble), at::tensor({1e-9, 1.0, 0.0, 1e-9}, at::kDouble).view({1, 4})});
  const Tensor matrices = matrices_from_quaternions(quats), found = quaternions_from_matrices(matrices);
  expect_near(matrices_from_quaternions(found), matrices, 1e-12, "round trip");
  expect_near(at::linalg_vector_norm(found, 2, {1}), at::ones({55}, at::kDouble), 1e-12, "unit");
}

TEST(GaussianHead, NumbersMoveTheGaussianAsDocumented) {
  GaussianDecoderConfig config = testing::toy_decoder_config();
  const Cameras front = look_at_cameras({0}, {0}, 3);
  // The middle pixel of 3 × 3 looks along -Z from (0, 0, 2).
  Tensor raw = at::zeros({1, 3, 3, 12}, at::kDouble);
  raw[0][1][1].copy_(at::tensor({100., 100., -100., 0., 2., 0., 0., 0., 1., 100., -100., 0.}, at::kDouble));
  const Gaussians gaussians = place_gaussians(raw, front, config);
  expect_near(gaussians.means[4], at::tensor({0., 0., 2 - config.far}), 1e-6, "at the far limit");
  expect_near(gaussians.scales[4], at::tensor({config.max_scale, config.min_scale, (config.max_scale + config.min_scale) / 2}),
              1e-9, "scale");
  EXPECT_NEAR(gaussians.opacities[4].item<double>(), 0.5, 1e-9);
  expect_near(sh_to_rgb(gaussians.sh.slice(0, 4, 5)).view({3}), at::tensor({1., 0., 0.5}), 1e-9, "colour");
  // Camera axes of the front view: x = X, y = -Y, z = -Z. (1, 0, 0, 1) is a quarter turn about the camera's z, that is about -Z.
  const Tensor in_world = matrices_from_quaternions(gaussians.quats.slice(0, 4, 5))[0];
  expect_near(in_world.select(1, 0), at::tensor({0., -1., 0.}), 1e-6,
              "first axis: the camera's x turned onto its y, which is -Y");
}

TEST(GaussianHead, TurningTheCamerasTurnsTheGaussians) {
  const Cameras cameras = orbit_cameras(3, 15, 16);
  const Tensor raw = at::randn({3, 4, 4, 12});
  const double degrees = 37, a = degrees * std::numbers::pi / 180;
  const Gaussians before = place_gaussians(raw, cameras, testing::toy_decoder_config());
  const Gaussians after = place_gaussians(raw, rotate_azimuth(cameras, degrees), testing::toy_decoder_config());
  // Ry(-37°), as rotate_azimuth's comment says.
  const float c = std::cos(a), s = std::sin(a);
  const Tensor turn = at::tensor({c, 0.f, -s, 0.f, 1.f, 0.f, s, 0.f, c}).view({3, 3});
  expect_near(after.means, at::matmul(before.means, turn.t()), 1e-5, "means");
  expect_near(covariances(after), at::matmul(at::matmul(turn, covariances(before)), turn.t()), 1e-7,
              "covariances (at most 1e-2)");
  expect_near(after.opacities, before.opacities, 0, "opacities");
}

TEST(GaussianHead, HigherDegreesOfColourFollowTheBase) {
  GaussianDecoderConfig config = testing::toy_decoder_config();
  config.sh_degree = 1;
  ASSERT_EQ(gaussian_channels(1), 9 + 12);
  const Tensor raw = at::randn({1, 2, 2, 21});
  const Gaussians gaussians = place_gaussians(raw, orbit_cameras(1, 0, 8), config);
  expect_near(gaussians.sh.slice(1, 1, 4).reshape({4, 9}), raw.view({4, 21}).slice(1, 12, 21), 0, "linear coefficients");
  expect_near(gaussians.sh.select(1, 0), rgb_to_sh(at::sigmoid(raw.view({4, 21}).slice(1, 9, 12))).squeeze(1), 1e-6,
              "base colour");
}

}  // namespace
}  // namespace gsv3d
