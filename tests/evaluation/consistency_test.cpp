// Views of one object are consistent; the more of a known inconsistency is added, the worse every score that can see it.
#include "evaluation/consistency.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "evaluation/view_warp.h"
#include "goldens.h"

namespace gsv3d {
namespace {

constexpr int64_t view_count = 12, size = 48;

/// An ellipsoid off the middle whose colours vary slowly over it, worked out ray by ray: as the object and as the views that were
/// "generated", which agree with it exactly.
GeneratedViews consistent_views() {
  const Cameras cameras = orbit_cameras(view_count, 15, size);
  const auto column = [](float x, float y, float z) { return at::tensor({x, y, z}).view({1, 3, 1, 1}); };
  const Tensor centre = column(0.06f, -0.03f, 0.04f), axes = column(0.38f, 0.27f, 0.22f);
  const Rays rays = camera_rays(cameras, size, size);
  const Tensor from = (rays.origins.view({-1, 3, 1, 1}) - centre) / axes, along = rays.directions / axes;
  const Tensor square = along.square().sum(1, true), half = (from * along).sum(1, true);
  const Tensor inside = half.square() - square * (from.square().sum(1, true) - 1);
  const Tensor distance = (-half - inside.clamp_min(0).sqrt()) / square;
  const Tensor point = rays.origins.view({-1, 3, 1, 1}) + distance * rays.directions;
  const Tensor alpha = inside.gt(0).to(at::kFloat);
  const Tensor colors = 0.5 + 0.35 * (11 * point + column(0, 1.5f, 3)).sin();
  const Tensor forward = cameras.world_to_camera.select(1, 2).slice(1, 0, 3).view({-1, 3, 1, 1});
  const Tensor depth = (point * forward).sum(1, true) + cameras.world_to_camera.select(1, 2).select(1, 3).view({-1, 1, 1, 1});
  const Tensor rgb = colors * alpha + 1 - alpha;
  return {rgb, alpha, cameras, rgb, alpha, depth * alpha};
}

Tensor rgba(const GeneratedViews& views) {
  return at::cat({views.rgb, views.alpha}, 1);
}

GeneratedViews with(GeneratedViews views, const Tensor& pictures) {
  views.rgb = pictures.slice(1, 0, 3).clone(), views.alpha = pictures.slice(1, 3).clone();
  return views;
}

/// +1 and -1 in turn, [V, 1, 1].
Tensor alternating() {
  return at::tensor({1.0f, -1.0f}).repeat({view_count / 2}).view({view_count, 1, 1});
}

/// Pictures sampled `offset_x`, `offset_y` pixels [V or 1, S or 1, S or 1] aside.
GeneratedViews displaced(const GeneratedViews& views, const Tensor& offset_x, const Tensor& offset_y) {
  const Tensor centres = (at::arange(size, at::kFloat) + 0.5) * (2.0 / size) - 1;
  const Tensor x = (centres.view({1, 1, size}) + offset_x * (2.0 / size)).expand({view_count, size, size});
  const Tensor y = (centres.view({1, size, 1}) + offset_y * (2.0 / size)).expand({view_count, size, size});
  return with(views, at::grid_sampler_2d(rgba(views), at::stack({x, y}, -1), 0, /*border=*/1, false));
}

/// Every second view to the left, the others to the right.
GeneratedViews shifted(const GeneratedViews& views, double pixels) {
  return displaced(views, alternating() * pixels, at::zeros({1, 1, 1}));
}

/// Waves whose sign changes from view to view: every view shows another shape.
GeneratedViews warped(const GeneratedViews& views, double pixels) {
  const Tensor wave = (at::arange(size, at::kFloat) * (2 * M_PI / 20)).sin();
  return displaced(views, alternating() * wave.view({1, size, 1}) * pixels, alternating() * wave.view({1, 1, size}) * pixels);
}

/// Every second view darker.
GeneratedViews recoloured(const GeneratedViews& views, double share) {
  const Tensor factor = 1 - share * alternating().clamp_min(0).unsqueeze(1);
  const Tensor darker = (views.rgb - (1 - views.alpha)) * factor + (1 - views.alpha);
  return with(views, at::cat({darker, views.alpha}, 1));
}

/// So many views, no two of them neighbours, change places with the one opposite.
GeneratedViews swapped(const GeneratedViews& views, double count) {
  Tensor order = at::arange(view_count, at::kLong);
  const int64_t half = view_count / 2;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
    order[2 * i + 1] = 2 * i + 1 + half, order[2 * i + 1 + half] = 2 * i + 1;
  return with(views, rgba(views).index_select(0, order));
}

struct Damage {
  const char* name;
  GeneratedViews (*apply)(const GeneratedViews&, double);
  std::vector<double> strengths;
  bool moves_outlines;
};

struct Consistency : ::testing::TestWithParam<Damage> {};

std::vector<Damage> damages() {
  return {{"Shifted", shifted, {0.5, 1, 1.5, 2}, true},
          {"Warped", warped, {0.5, 1, 2, 4}, true},
          {"Recoloured", recoloured, {0.1, 0.3, 0.5, 0.8}, false},
          {"Swapped", swapped, {1, 2, 3}, true}};
}

ConsistencyScores without_fits(const GeneratedViews& views) {
  return ConsistencyScorer({.fit_steps = 0}).score(views);
}

TEST_P(Consistency, EveryScoreFallsWithTheDamage) {
  const GeneratedViews clean = consistent_views();
  ConsistencyScores before = without_fits(clean);
  for (const double strength : GetParam().strengths) {
    const ConsistencyScores now = without_fits(GetParam().apply(clean, strength));
    EXPECT_LT(now.render_psnr, before.render_psnr) << strength;
    EXPECT_GT(now.near_color_error, before.near_color_error) << strength;
    EXPECT_GT(now.far_color_error, before.far_color_error) << strength;
    if (GetParam().moves_outlines) {
      EXPECT_LT(now.render_mask_iou, before.render_mask_iou) << strength;
      EXPECT_GT(now.near_outline_error, before.near_outline_error) << strength;
      EXPECT_GT(now.far_outline_error, before.far_outline_error) << strength;
    } else {
      EXPECT_EQ(now.render_mask_iou, 1) << strength;
      EXPECT_EQ(now.near_outline_error, before.near_outline_error) << strength;
      EXPECT_EQ(now.far_outline_error, before.far_outline_error) << strength;
    }
    before = now;
  }
}

TEST_P(Consistency, FitsSeeItWithoutAnyObject) {
  GeneratedViews clean = consistent_views();
  ConsistencyScorer scorer({.fit_steps = 200, .gaussians = 1000});
  ConsistencyScores before = scorer.score(clean);
  for (const size_t i : {size_t{1}, GetParam().strengths.size() - 1}) {
    const double strength = GetParam().strengths[i];
    const ConsistencyScores now = scorer.score(GetParam().apply(clean, strength));
    EXPECT_LT(now.fit_psnr, before.fit_psnr) << strength;
    EXPECT_LT(now.half_psnr, before.half_psnr) << strength;
    EXPECT_LT(now.half_ssim, before.half_ssim) << strength;
    if (GetParam().moves_outlines) {
      EXPECT_LT(now.half_mask_iou, before.half_mask_iou) << strength;
    }
    before = now;
  }
}

INSTANTIATE_TEST_SUITE_P(Damages, Consistency, ::testing::ValuesIn(damages()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ConsistencyOfOneObject, IsIdeal) {
  const ConsistencyScores scores = ConsistencyScorer({.fit_steps = 200, .gaussians = 1000}).score(consistent_views());
  EXPECT_EQ(scores.render_psnr, 100);
  EXPECT_EQ(scores.render_mask_iou, 1);
  // What bilinear sampling of 48 pixels leaves, most at the hard outline, which distant views see at a slant.
  EXPECT_LT(scores.near_color_error, 0.01);
  EXPECT_LT(scores.far_color_error, 0.03);
  EXPECT_LT(scores.near_outline_error, 0.02);
  EXPECT_LT(scores.far_outline_error, 0.05);
  EXPECT_GT(scores.fit_psnr, 23);  // hard outlines, few steps
  EXPECT_GT(scores.half_psnr, 25);
  EXPECT_GT(scores.half_ssim, 0.95);
  EXPECT_GT(scores.half_mask_iou, 0.95);
}

TEST(ConsistencyOfOneObject, ViewsWithoutAlphaHaveNoOutlines) {
  GeneratedViews views = consistent_views();
  views.alpha = Tensor();
  const ConsistencyScores scores = without_fits(views);
  EXPECT_EQ(scores.render_psnr, 100);
  EXPECT_TRUE(std::isnan(scores.render_mask_iou));
  EXPECT_TRUE(std::isnan(scores.near_outline_error));
  EXPECT_TRUE(std::isnan(scores.fit_psnr));
  views.rgb = views.rgb.slice(0, 1);
  EXPECT_THROW(without_fits(views), Error);
}

TEST(ViewWarp, AConstantDifferenceIsFoundAsItIs) {
  // Flat grey object: every warp compares equal colours, so what one view adds is the error.
  GeneratedViews views = consistent_views();
  views.rgb = at::full_like(views.rgb, 0.4);
  EXPECT_NEAR(warp_error(views, 0, 1).color, 0, 1e-7);
  views.rgb[1].add_(0.125);
  EXPECT_NEAR(warp_error(views, 0, 1).color, 0.125, 1e-6);
  EXPECT_NEAR(warp_error(views, 1, 0).color, 0.125, 1e-6);
  EXPECT_NEAR(warp_error(views, 2, 3).color, 0, 1e-7);
  EXPECT_NEAR(mean_warp_error(views, 1).color, 2 * 0.125 / view_count, 1e-6) << "two pairs of twelve hold view 1";
  // Nothing of the front is seen from behind.
  EXPECT_TRUE(std::isnan(warp_error(views, 0, view_count / 2).color));
}

TEST(ViewWarp, WhatIsHiddenIsNotCompared) {
  // A wall in the plane z = 0, and in view 1 a plate before it that only that view's depth knows of.
  const Cameras cameras = look_at_cameras({0, 5}, {0, 0}, size);
  const Rays rays = camera_rays(cameras, size, size);
  const Tensor distance = -rays.origins.select(1, 2).view({-1, 1, 1}) / rays.directions.select(1, 2);
  const Tensor forward = cameras.world_to_camera.select(1, 2).slice(1, 0, 3);
  const Tensor depth = (distance.unsqueeze(1) * (rays.directions * forward.view({2, 3, 1, 1})).sum(1, /*keepdim=*/true));
  GeneratedViews views{at::full({2, 3, size, size}, 0.5), at::ones({2, 1, size, size}), cameras,
                       at::zeros({2, 3, size, size}),     at::ones({2, 1, size, size}), depth.clone()};
  EXPECT_NEAR(warp_error(views, 0, 1).color, 0, 1e-7);
  views.rgb[1].slice(2, 0, size / 2).fill_(1);  // its left half is another colour
  EXPECT_GT(warp_error(views, 0, 1).color, 0.2);
  views.object_depth[1].slice(2, 0, size / 2 + 1).sub_(0.5);  // because a plate is there
  EXPECT_NEAR(warp_error(views, 0, 1).color, 0, 0.01);
}

TEST(CamerasBetween, StandMidwayOnTheOrbit) {
  for (const int64_t count : {4, 5}) {
    const Cameras between = cameras_between(orbit_cameras(count, 20, size));
    ASSERT_EQ(between.count(), 4);
    std::vector<double> azimuths, elevations(4, 20.0);
    for (int64_t i = 0; i < 4; ++i) azimuths.push_back((static_cast<double>(i) + 0.5) * 360 / static_cast<double>(count));
    const Cameras expected = look_at_cameras(azimuths, elevations, size);
    testing::expect_near(between.world_to_camera, expected.world_to_camera, 1e-5, "poses");
    testing::expect_near(between.intrinsics, expected.intrinsics, 1e-3, "intrinsics");
  }
}

}  // namespace
}  // namespace gsv3d
