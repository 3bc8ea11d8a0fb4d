// Gaussians placed where the truth is cost nothing; known displacements cost what arithmetic says.
#include "training/surface_loss.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr int64_t kViews = 2, kSize = 4, kGrid = 2, kCount = kViews * kGrid * kGrid;

struct Case {
  Cameras cameras = look_at_cameras({0, 90}, {10, 10}, kSize);
  TargetViews truth;
  Gaussians gaussians;

  /// A grey-blue object behind the upper half of each view, 1.7 away, but one pixel of the first cell lies at 1.5.
  Case() {
    const Tensor alpha = at::zeros({kViews, 1, kSize, kSize});
    alpha.narrow(2, 0, 2).fill_(1);
    const Tensor colour = at::tensor({0.4, 0.5, 0.9}, at::kFloat).view({1, 3, 1, 1});
    truth = {alpha * colour + (1 - alpha), alpha, alpha * 1.7};
    truth.depth[0][0][1][1] = 1.5;

    const Tensor depth = at::full({kViews, 1, kGrid, kGrid}, 1.7);
    depth[0][0][0][0] = 1.5;
    const Rays rays = camera_rays(cameras, kGrid, kGrid);
    const Tensor forward = cameras.world_to_camera.select(1, 2).narrow(1, 0, 3).view({kViews, 3, 1, 1});
    const Tensor along = depth / (rays.directions * forward).sum(1, true);
    const Tensor points = rays.origins.view({kViews, 3, 1, 1}) + along * rays.directions;
    gaussians.means = points.flatten(2).transpose(1, 2).reshape({-1, 3}).contiguous();
    gaussians.quats = at::tensor({1.0, 0.0, 0.0, 0.0}, at::kFloat).repeat({kCount, 1});
    gaussians.scales = at::full({kCount, 3}, 0.02);
    gaussians.opacities = at::avg_pool2d(alpha, {2, 2}).reshape({-1}).clone();
    gaussians.sh = rgb_to_sh(colour.view({1, 3}).repeat({kCount, 1}));
  }
  RenderingLoss loss() const { return surface_loss(gaussians, cameras, truth); }
};

TEST(SurfaceLoss, GaussiansOnTheSurfaceCostNothing) {
  const RenderingLoss loss = Case().loss();
  EXPECT_LT(loss.depth.item<double>(), 1e-6);
  EXPECT_LT(loss.rgb.item<double>(), 1e-10);
  EXPECT_LT(loss.alpha.item<double>(), 1e-12);
}

TEST(SurfaceLoss, KnownErrorsCostWhatArithmeticSays) {
  Case moved;
  // Away from the first camera: 0.1 for two of the four Gaussians that see the object, two of view 1 unmoved; those below see
  // nothing.
  const Tensor forward = moved.cameras.world_to_camera[0][2].narrow(0, 0, 3);
  moved.gaussians.means.narrow(0, 0, 4).add_(0.1 * forward);
  EXPECT_NEAR(moved.loss().depth.item<double>(), 0.05, 1e-6);

  Case faded;
  faded.gaussians.opacities[0] = 0.5;
  EXPECT_NEAR(faded.loss().alpha.item<double>(), 0.25 / kCount, 1e-7);

  Case stained;
  stained.gaussians.sh = rgb_to_sh(at::tensor({0.4, 0.5, 0.7}, at::kFloat).view({1, 3}).repeat({kCount, 1}));
  EXPECT_NEAR(stained.loss().rgb.item<double>(), 0.04 / 3, 1e-6);
}

TEST(SurfaceLoss, GradientsReachMeansOpacitiesAndColours) {
  Case moved;
  moved.gaussians.means.add_(0.1).requires_grad_(true);
  moved.gaussians.opacities.mul_(0.5).requires_grad_(true);
  moved.gaussians.sh.mul_(0.5).requires_grad_(true);
  const RenderingLoss loss = moved.loss();
  (loss.depth + loss.rgb + loss.alpha).backward();
  EXPECT_GT(moved.gaussians.means.grad().abs().sum().item<double>(), 0.1);
  EXPECT_GT(moved.gaussians.opacities.grad().abs().sum().item<double>(), 0.1);
  EXPECT_GT(moved.gaussians.sh.grad().abs().sum().item<double>(), 0.01);
}

TEST(SurfaceLoss, AnEmptyTruthIsFinite) {
  Case empty;
  empty.truth = {at::ones({kViews, 3, kSize, kSize}), at::zeros({kViews, 1, kSize, kSize}), at::zeros({kViews, 1, kSize, kSize})};
  EXPECT_EQ(empty.loss().depth.item<double>(), 0);
  EXPECT_EQ(empty.loss().rgb.item<double>(), 0);
  EXPECT_NEAR(empty.loss().alpha.item<double>(), 0.5, 1e-6);
}

TEST(SurfaceLoss, RefusesGridsThatDoNotFit) {
  Case odd;
  odd.gaussians = odd.gaussians.select(at::arange(6, at::kLong));
  EXPECT_THROW(odd.loss(), Error);
}

}  // namespace
}  // namespace gsv3d
