// Refinement: a wrong hue is mended on the back too, and pictures get closer to photo and views.
#include "pipeline/view_refinement.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "goldens.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

using testing::expect_near;

double decibels(const Tensor& a, const Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>());
}

/// A solid ball of many colours.
Gaussians colorful_ball(double radius = 0.3) {
  const auto generator = make_generator(4);
  const Tensor directions = randn({900, 3}, generator);
  const Tensor means = radius * directions / at::linalg_vector_norm(directions, 2, {1}, /*keepdim=*/true);
  Tensor quats = at::zeros({900, 4});
  quats.select(1, 0).fill_(1);
  const Tensor colors = (0.5 + 1.2 * means).clamp(0.1, 0.9);
  return {means, quats, at::full({900, 3}, 0.03), at::full({900}, 0.95), rgb_to_sh(colors)};
}

struct ViewRefinement : ::testing::Test {
  Cameras cameras = orbit_cameras(7, 10, 48);
  Gaussians truth = colorful_ball();
  Tensor white = at::ones({3});
  Rendering seen = rasterize(truth, cameras, white);
  Tensor photo =
      at::cat({rasterize(truth, cameras.slice(0, 1)).rgb / seen.alpha.slice(0, 0, 1).clamp_min(1e-3), seen.alpha.slice(0, 0, 1)},
              1)[0]
          .clamp(0, 1);
  double error(const Gaussians& g, const Cameras& where) const {
    return decibels(rasterize(g, where, white).rgb, rasterize(truth, where, white).rgb);
  }
};

TEST_F(ViewRefinement, UndoesAWrongHueEverywhere) {
  Gaussians wrong = truth;
  wrong.sh = rgb_to_sh(sh_to_rgb(truth.sh) * at::tensor({1.0f, 0.45f, 0.7f}));  // brown instead of green
  const Gaussians mended = refine_to_views(wrong, {{0, photo}}, seen.rgb, cameras, {0, 1});
  const Cameras back = cameras.slice(3, 5);
  EXPECT_LT(error(wrong, back), 25);
  EXPECT_GT(error(mended, back), error(wrong, back) + 6) << "from the front's colours alone";
  EXPECT_TRUE(at::equal(mended.means, wrong.means));
}

TEST_F(ViewRefinement, BringsTheGaussiansCloserToPhotoAndViews) {
  Gaussians start = colorful_ball(0.27);  // too small, and blurred in colour
  start.sh = 0.6 * start.sh;
  const Gaussians refined = refine_to_views(start, {{0, photo}}, seen.rgb, cameras);
  EXPECT_GT(error(refined, cameras.slice(0, 1)), error(start, cameras.slice(0, 1)) + 4);
  const Cameras between = look_at_cameras({25, 180, 300}, {20, 0, 15}, 48);
  EXPECT_GT(error(refined, between), error(start, between) + 2) << "views between those it saw";
  const Gaussians again = refine_to_views(start, {{0, photo}}, seen.rgb, cameras);
  EXPECT_TRUE(at::equal(again.means, refined.means) && at::equal(again.sh, refined.sh));
}

TEST_F(ViewRefinement, WhatAPhotoSeesBesideTheObjectGoes) {
  Gaussians more = truth;
  more.means = at::cat({truth.means, at::tensor({0.45f, 0.0f, 0.0f}).view({1, 3})});  // beside the ball as the photo sees it
  for (Tensor Gaussians::*part : {&Gaussians::quats, &Gaussians::scales, &Gaussians::opacities, &Gaussians::sh})
    more.*part = at::cat({truth.*part, (truth.*part).slice(0, 0, 1)});
  EXPECT_TRUE(at::equal(refine_to_views(more, {{0, photo}}, seen.rgb, cameras, {0, 1}).means, truth.means));
  Tensor elsewhere = at::zeros_like(photo);
  elsewhere.slice(1, 0, 4).slice(2, 0, 4).fill_(1);
  EXPECT_TRUE(at::equal(refine_to_views(truth, {{0, elsewhere}}, seen.rgb, cameras, {0, 1}).means, truth.means))
      << "a photo that shows the object nowhere says nothing";
}

TEST_F(ViewRefinement, LeavesColoursAloneWithoutOverlap) {
  Gaussians elsewhere = truth;
  elsewhere.means = truth.means + at::tensor({0.0f, 0.9f, 0.0f});
  expect_near(refine_to_views(elsewhere, {{0, photo}}, seen.rgb, cameras, {0, 1}).sh, elsewhere.sh, 0, "colours");
  EXPECT_EQ(refine_to_views(truth.slice(0, 0), {{0, photo}}, seen.rgb, cameras).count(), 0);
}

TEST_F(ViewRefinement, RefusesPicturesOfAnotherSize) {
  EXPECT_THROW(refine_to_views(truth, {{0, photo.slice(1, 1)}}, seen.rgb, cameras), Error);
  EXPECT_THROW(refine_to_views(truth, {{0, photo}}, seen.rgb.slice(0, 1), cameras), Error);
  EXPECT_THROW(refine_to_views(truth, {{7, photo}}, seen.rgb, cameras), Error);
  EXPECT_THROW(refine_to_views(truth, {}, seen.rgb, cameras), Error);
}

}  // namespace
}  // namespace gsv3d
