// Fitting: Adam against its formula, densification that leaves the picture as it is, hulls, and a known object recovered.
#include "fitting/fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "fitting/densification.h"
#include "goldens.h"
#include "random_scenes.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

using testing::expect_near;

double decibels(const Tensor& a, const Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>());
}

const Tensor& white() {
  static const Tensor color = at::ones({3});
  return color;
}

FitTargets pictures_of(const Gaussians& truth, const Cameras& cameras) {
  const Rendering rendered = rasterize(truth, cameras, white());
  return {cameras, rendered.rgb, rendered.alpha, white(), {}};
}

/// A ball of half the radius of the cube's inner sphere, red on one side and green on the other.
Gaussians two_colored_ball() {
  const Tensor directions = randn({600, 3}, make_generator(4));
  const Tensor means = 0.25 * directions / at::linalg_vector_norm(directions, 2, {1}, /*keepdim=*/true);
  Tensor quats = at::zeros({600, 4});
  quats.select(1, 0).fill_(1);
  Tensor colors = at::full({600, 3}, 0.1);
  colors.select(1, 0).masked_fill_(means.select(1, 0).gt(0), 0.9);
  colors.select(1, 1).masked_fill_(means.select(1, 0).le(0), 0.7);
  return {means, quats, at::full({600, 3}, 0.03), at::full({600}, 0.9), rgb_to_sh(colors)};
}

TEST(FitParameters, AreTheGaussiansTheyWereMadeOf) {
  const Gaussians g = testing::random_gaussians(50, 4, 1);
  const Gaussians back = FitParameters(g).gaussians();
  expect_near(back.means, g.means, 0, "means");
  expect_near(back.quats, g.quats, 0, "quats");
  expect_near(back.scales, g.scales, 1e-6, "scales");
  expect_near(back.opacities, g.opacities.clamp(1e-4, 1 - 1e-4), 1e-6, "opacities");
  expect_near(back.sh, g.sh, 0, "sh");
}

TEST(FitParameters, TakeAdamsSteps) {
  const Gaussians g = testing::random_gaussians(20, 4, 2);
  FitParameters parameters(g);
  const FitRates rates{0.01, 0.02, 0.03, 0.04, 0.05, 0.06};
  // The gradient of Σ a x is a: Adam's moments then are a (1 - β1ⁿ) and a² (1 - β2ⁿ), and every step is the rate times sign(a).
  const Tensor a = randn({20, 3}, make_generator(7)), b = randn({20, 4, 3}, make_generator(8));
  for (int i = 0; i < 3; ++i) {
    const Gaussians now = parameters.gaussians();
    ((a * now.means).sum() + (b * now.sh).sum() + now.scales.log().sum() + at::logit(now.opacities).sum()).backward();
    parameters.step(rates);
  }
  const Gaussians moved = parameters.gaussians();
  expect_near(moved.means, g.means - 3 * 0.01 * a.sign(), 1e-5, "means");
  expect_near(moved.sh.slice(1, 0, 1), g.sh.slice(1, 0, 1) - 3 * 0.05 * b.slice(1, 0, 1).sign(), 1e-5, "base colour");
  expect_near(moved.sh.slice(1, 1), g.sh.slice(1, 1) - 3 * 0.06 * b.slice(1, 1).sign(), 1e-5, "other coefficients");
  expect_near(moved.scales.log(), g.scales.log() - 3 * 0.02, 1e-5, "scales");
  expect_near(moved.quats, g.quats, 0, "without gradient");
}

TEST(Densification, SplitsByThePapersFormula) {
  const Tensor opacities = at::tensor({0.5, 0.75, 0.2}), scales = at::ones({3, 3});
  const SplitValues values = split_values(opacities, scales, at::tensor({1, 2, 3}));
  // n = 1: unchanged. n = 2: o' = 1 - √(1 - o), factor o / (2 o' - o'² / √2).
  EXPECT_NEAR(values.opacities[0].item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(values.scales[0][0].item<double>(), 1, 1e-6);
  EXPECT_NEAR(values.opacities[1].item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(values.scales[1][0].item<double>(), 0.75 / (1 - 0.25 / std::sqrt(2.0)), 1e-6);
  const double third = 1 - std::cbrt(0.8);
  EXPECT_NEAR(values.opacities[2].item<double>(), third, 1e-6);
  const double sum = 3 * third - 3 * third * third / std::sqrt(2.0) + third * third * third / std::sqrt(3.0);
  EXPECT_NEAR(values.scales[2][0].item<double>(), 0.2 / sum, 1e-5);
}

TEST(Densification, LeavesThePictureAlmostAsItWas) {
  const Gaussians g = two_colored_ball();
  const Cameras cameras = orbit_cameras(3, 10, 64);
  const Tensor before = rasterize(g, cameras, white()).rgb;
  FitParameters parameters(g);
  EXPECT_EQ(add_gaussians(parameters, 1.5, 800, make_generator(1)), 200);
  EXPECT_EQ(parameters.count(), 800);
  EXPECT_EQ(add_gaussians(parameters, 1.5, 800, make_generator(1)), 0);
  EXPECT_GT(decibels(rasterize(parameters.gaussians().detach(), cameras, white()).rgb, before), 28);
}

TEST(Densification, MovesTheDeadOntoTheLiving) {
  Gaussians g = two_colored_ball();
  g.opacities.slice(0, 0, 100).fill_(0.001);
  g.means.slice(0, 0, 100).fill_(5);
  FitParameters parameters(g);
  EXPECT_EQ(relocate_dead(parameters, 0.005, make_generator(1)), 100);
  const Gaussians moved = parameters.gaussians().detach();
  EXPECT_EQ(moved.count(), 600);
  EXPECT_LT(moved.means.abs().max().item<double>(), 0.3);
  EXPECT_GT(moved.opacities.min().item<double>(), 0.004);
  EXPECT_EQ(relocate_dead(parameters, 0.004, make_generator(1)), 0);
}

TEST(Densification, OnlyTransparentGaussiansExplore) {
  Gaussians g = testing::random_gaussians(2000, 1, 3);
  g.quats = randn({2000, 4}, make_generator(5));
  g.scales = at::tensor({0.1f, 0.01f, 0.001f}).repeat({2000, 1});
  g.opacities.slice(0, 0, 1000).fill_(1e-4);
  g.opacities.slice(0, 1000).fill_(0.5);
  FitParameters parameters(g);
  explore(parameters, 10, make_generator(6));
  const Tensor offset = parameters.gaussians().means.detach() - g.means;
  EXPECT_LT(offset.slice(0, 1000).abs().max().item<double>(), 1e-9);
  // In the Gaussian's own axes the spread is size · scale² · switch, the switch at opacity 1e-4 being σ(0.49).
  const Tensor q = g.quats / at::linalg_vector_norm(g.quats, 2, {1}, /*keepdim=*/true);
  const Tensor w = -q.slice(1, 0, 1), u = q.slice(1, 1, 4);
  const Tensor turn = at::cross(u, offset, 1);
  const Tensor local = (offset + 2 * (w * turn + at::cross(u, turn, 1))).slice(0, 0, 1000);
  const double open = 1 / (1 + std::exp(-0.49));
  for (int axis = 0; axis < 3; ++axis) {
    const double scale = g.scales[0][axis].item<double>();
    EXPECT_NEAR(local.select(1, axis).std().item<double>(), 10 * scale * scale * open, 0.1 * 10 * scale * scale * open) << axis;
  }
}

TEST(InitialGaussians, FillTheVisualHull) {
  const FitTargets targets = pictures_of(two_colored_ball(), orbit_cameras(12, 10, 64));
  const Gaussians start = initial_gaussians(targets, 500, 1);
  EXPECT_EQ(start.count(), 500);
  const Tensor radius = at::linalg_vector_norm(start.means, 2, {1});
  EXPECT_LT(radius.quantile(0.9).item<double>(), 0.32);
  EXPECT_GT(radius.quantile(0.5).item<double>(), 0.15) << "not only the middle";
  // Without masks what differs from the background is the silhouette.
  FitTargets bare = targets;
  bare.alpha = Tensor();
  EXPECT_LT(at::linalg_vector_norm(initial_gaussians(bare, 500, 1).means, 2, {1}).quantile(0.9).item<double>(), 0.34);
  bare.rgb = at::ones_like(bare.rgb);  // nothing to see: the whole cube
  EXPECT_GT(initial_gaussians(bare, 500, 1).means.abs().max().item<double>(), 0.45);
}

TEST(InitialGaussians, LieWhereAllCamerasLook) {
  Cameras cameras = orbit_cameras(5, 20, 64, {3, 40});
  const Tensor shift = at::tensor({1.0f, -2.0f, 0.5f});
  Tensor poses = cameras.world_to_camera.clone();
  poses.slice(1, 0, 3).select(2, 3) -= at::matmul(poses.slice(1, 0, 3).slice(2, 0, 3), shift);
  cameras.world_to_camera = poses;
  const FitRegion region = common_region(cameras);
  for (int64_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(region.centre[axis], shift[axis].item<double>(), 1e-4);
  EXPECT_NEAR(region.half_width, 3 * std::tan(20 * M_PI / 180), 1e-4);
  // One camera has no common point with others, but an answer.
  EXPECT_TRUE(std::isfinite(common_region(orbit_cameras(1, 0, 64)).half_width));
}

TEST(FitGaussians, RecoversAnObjectAtViewsItDidNotSee) {
  const Gaussians truth = two_colored_ball();
  const FitTargets targets = pictures_of(truth, orbit_cameras(8, 10, 48));
  FitOptions options;
  options.steps = 250;
  options.max_gaussians = 600;
  options.rates.means *= 10;
  options.densify_every = 20;
  const Gaussians start = initial_gaussians(targets, 300, 1);
  int64_t calls = 0;
  const Gaussians fitted = fit_gaussians(start, targets, options, [&](const FitStep& step) {
    EXPECT_EQ(step.done, ++calls);
    EXPECT_LE(step.gaussians, 600);
  });
  EXPECT_EQ(calls, 250);
  EXPECT_GT(fitted.count(), 400);
  const Cameras unseen = look_at_cameras({20, 130, 250}, {25, -10, 40}, 48);
  const Tensor expected = rasterize(truth, unseen, white()).rgb;
  const double before = decibels(rasterize(start, unseen, white()).rgb, expected);
  const double after = decibels(rasterize(fitted, unseen, white()).rgb, expected);
  EXPECT_GT(after, 24) << "at the start " << before;
  EXPECT_GT(after, before + 6);
  const Gaussians again = fit_gaussians(start, targets, options);
  EXPECT_TRUE(at::equal(again.means, fitted.means)) << "same seed, same result";
}

TEST(FitGaussians, KeepsTheirNumberAndWeighsPictures) {
  const Gaussians truth = two_colored_ball();
  FitTargets targets = pictures_of(truth, orbit_cameras(2, 10, 48));
  const Tensor photo = targets.rgb[0].clone();
  targets.rgb[1].fill_(0);  // would blacken everything, but does not count
  targets.weights = at::tensor({1.0f, 0.0f});
  FitOptions options;
  options.steps = 30;
  options.views_per_step = 2;
  options.rates.base_color = 0.02;
  Gaussians start = truth;
  start.sh = at::zeros_like(start.sh);
  const Gaussians fitted = fit_gaussians(start, targets, options);
  EXPECT_EQ(fitted.count(), truth.count());
  const auto error = [&](const Gaussians& g) {
    return decibels(rasterize(g, targets.cameras.slice(0, 1), white()).rgb[0], photo);
  };
  EXPECT_GT(error(fitted), error(start) + 1);
}

TEST(FitGaussians, RefusesWhatDoesNotFitTogether) {
  const Gaussians g = two_colored_ball();
  const FitTargets good = pictures_of(g, orbit_cameras(2, 0, 32));
  FitOptions options;
  options.steps = 1;
  FitOptions both = options;
  both.views_per_step = 2;
  EXPECT_NO_THROW(fit_gaussians(g, good, options));
  FitTargets bad = good;
  bad.rgb = good.rgb.slice(0, 0, 1);
  EXPECT_THROW(fit_gaussians(g, bad, options), Error);
  bad = good, bad.alpha = good.rgb;
  EXPECT_THROW(fit_gaussians(g, bad, options), Error);
  bad = good, bad.weights = at::ones({3});
  EXPECT_THROW(fit_gaussians(g, bad, options), Error);
  bad = good, bad.rgb = good.rgb.clone(), bad.rgb[0][0][0][0].fill_(NAN);
  EXPECT_THROW(fit_gaussians(g, bad, both), Error);
  EXPECT_THROW(fit_gaussians(g.slice(0, 0), good, options), Error);
}

}  // namespace
}  // namespace gsv3d
