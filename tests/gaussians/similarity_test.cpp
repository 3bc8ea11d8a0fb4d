// Turned objects look the same from turned cameras: means, rotations and spherical harmonics all follow.
#include "gaussians/similarity.h"

#include "core/error.h"
#include "gaussians/frame.h"
#include "goldens.h"
#include "random_scenes.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

std::array<double, 9> some_rotation() {
  // Half a radian about (1, 2, 3) / √14, by Rodrigues' formula.
  const double x = 1 / std::sqrt(14), y = 2 / std::sqrt(14), z = 3 / std::sqrt(14), s = std::sin(0.5), c = std::cos(0.5),
               t = 1 - c;
  return {t * x * x + c,     t * x * y - s * z, t * x * z + s * y, t * x * y + s * z, t * y * y + c,
          t * y * z - s * x, t * x * z - s * y, t * y * z + s * x, t * z * z + c};
}

/// The cameras that see `transform(g, similarity)` as `cameras` see g.
Cameras moved_cameras(Cameras cameras, const Similarity& similarity) {
  const Tensor rotation = at::tensor(at::ArrayRef<double>(similarity.rotation)).view({3, 3}).to(at::kFloat);
  const Tensor offset = at::tensor(at::ArrayRef<double>(similarity.translation)).to(at::kFloat);
  const Tensor matrix = cameras.world_to_camera.clone();
  const Tensor turned = at::matmul(matrix.slice(1, 0, 3).slice(2, 0, 3), rotation.t());
  const Tensor origin = matrix.slice(1, 0, 3).select(2, 3) * similarity.scale - at::matmul(turned, offset);
  matrix.slice(1, 0, 3).slice(2, 0, 3).copy_(turned);
  matrix.slice(1, 0, 3).select(2, 3).copy_(origin);
  cameras.world_to_camera = matrix;
  return cameras;
}

TEST(Similarity, RendersTheSameFromMovedCameras) {
  const auto cameras = testing::wide_cameras(4, 48, 40);
  for (const int64_t coefficients : {1, 4, 9, 16}) {
    const auto g = testing::random_gaussians(150, coefficients, 7);
    const Similarity similarity = {some_rotation(), 1.7, {0.3, -0.2, 0.5}};
    const Tensor before = rasterize(g, cameras).rgb;
    const Tensor after = rasterize(transform(g, similarity), moved_cameras(cameras, similarity)).rgb;
    testing::expect_near(after, before, 2e-3, fmt::format("picture with {} coefficients", coefficients));
    EXPECT_GT((rasterize(transform(g, similarity), cameras).rgb - before).abs().max().item<float>(), 0.1) << "it did turn";
  }
}

TEST(Similarity, HarmonicsRotateAsAGroup) {
  const auto r = some_rotation();
  const std::array<double, 9> back = {r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]};
  for (int64_t degree = 1; degree <= 3; ++degree) {
    const Tensor there = sh_rotation(degree, r), eye = at::eye(2 * degree + 1, at::kDouble);
    testing::expect_near(at::mm(there, sh_rotation(degree, back)), eye, 1e-5, "there and back");
    testing::expect_near(at::mm(there, there.t()), eye, 1e-5, "orthogonal");
  }
  // A quarter turn about z: x → y, y → -x; degree 1 is ordered (-y, z, -x).
  const Tensor quarter = sh_rotation(1, {0, -1, 0, 1, 0, 0, 0, 0, 1});
  testing::expect_near(quarter, at::tensor({0.0, 0.0, 1.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0}, at::kDouble).view({3, 3}), 1e-6,
                       "degree 1");
}

TEST(Similarity, FramesAreTurnsOfOneObject) {
  const auto g = testing::random_gaussians(100, 16, 3);
  const auto z_up = change_frame(g, Frame::kWorld, Frame::kZUp);
  testing::expect_near(z_up.means, at::stack({g.means.select(1, 0), -g.means.select(1, 2), g.means.select(1, 1)}, 1), 1e-7,
                       "z up");
  for (const auto from : {Frame::kWorld, Frame::kYDown, Frame::kZUp}) {
    for (const auto to : {Frame::kWorld, Frame::kYDown, Frame::kZUp}) {
      const auto back = change_frame(change_frame(g, from, to), to, from);
      const auto cameras = testing::wide_cameras(2, 40, 30);
      testing::expect_near(back.sh, g.sh, 1e-5, "harmonics");
      testing::expect_near(rasterize(back, cameras).rgb, rasterize(g, cameras).rgb, 1e-3, "picture");
    }
  }
  // By two ways to the same file.
  const auto direct = change_frame(g, Frame::kWorld, Frame::kYDown);
  const auto roundabout = change_frame(z_up, Frame::kZUp, Frame::kYDown);
  testing::expect_near(roundabout.sh, direct.sh, 1e-5, "harmonics by two ways");
}

TEST(Similarity, RejectsWhatIsNoRotation) {
  const auto g = testing::random_gaussians(3, 1, 3);
  EXPECT_THROW(transform(g, {.rotation = {1, 0, 0, 0, 1, 0, 0, 0, -1}}), Error);
  EXPECT_THROW(transform(g, {.rotation = {2, 0, 0, 0, 1, 0, 0, 0, 1}}), Error);
  EXPECT_THROW(transform(g, {.scale = 0}), Error);
}

}  // namespace
}  // namespace gsv3d
