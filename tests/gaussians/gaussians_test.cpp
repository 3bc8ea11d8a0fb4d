#include "gaussians/gaussians.h"

#include "core/error.h"
#include "gaussians/frame.h"
#include "goldens.h"
#include "random_scenes.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

TEST(Gaussians, ColoursAndCoefficientsAreInverse) {
  const Tensor rgb = at::tensor({0.0f, 0.5f, 1.0f, 0.1f, 0.2f, 0.3f}).view({2, 3});
  EXPECT_EQ(rgb_to_sh(rgb).sizes(), at::IntArrayRef({2, 1, 3}));
  testing::expect_near(sh_to_rgb(rgb_to_sh(rgb)), rgb, 1e-6, "rgb");
  EXPECT_NEAR(rgb_to_sh(rgb)[0][0][2].item<double>(), 0.5 / 0.28209479177387814, 1e-6);
}

TEST(Gaussians, SelectPruneDegree) {
  auto g = testing::random_gaussians(6, 9, 1);
  g.opacities = at::tensor({0.5f, 0.01f, 0.9f, 0.0f, 0.2f, 0.049f});
  EXPECT_EQ(g.sh_degree(), 2);
  const auto kept = prune(g, 0.05);
  EXPECT_EQ(kept.count(), 3);
  EXPECT_TRUE(at::equal(kept.means, g.means.index_select(0, at::tensor({0, 2, 4}))));
  EXPECT_TRUE(at::equal(g.select(at::tensor({4, 0})).opacities, at::tensor({0.2f, 0.5f})));
  g.sh = at::zeros({6, 3, 3});
  EXPECT_THROW(g.sh_degree(), Error);
}

TEST(Frame, TurningGaussiansAndCamerasKeepsTheImage) {
  const auto g = testing::random_gaussians(200, 16, 2);
  const auto cameras = testing::wide_cameras(2, 40, 30);
  // A camera in the turned world: x_camera = R · T · x', where T is half a turn about x.
  auto turned_cameras = cameras;
  turned_cameras.world_to_camera = cameras.world_to_camera * at::tensor({1.0f, -1.0f, -1.0f, 1.0f});
  const auto expected = rasterize(g, cameras);
  const auto turned = change_frame(g, Frame::kWorld, Frame::kYDown);
  EXPECT_GT((turned.means - g.means).abs().max().item<float>(), 0.1);
  testing::expect_near(rasterize(turned, turned_cameras).rgb, expected.rgb, 1e-4, "image");
  EXPECT_TRUE(at::equal(change_frame(turned, Frame::kYDown, Frame::kWorld).sh, g.sh));
}

}  // namespace
}  // namespace gsv3d
