// Baselines made of posed pictures, on a ball whose views can be worked out.
#include "evaluation/posed_pictures.h"

#include <gtest/gtest.h>

#include "evaluation/metrics.h"
#include "evaluation/protocol.h"

namespace gsv3d {
namespace {

constexpr double radius = 0.4;

/// What cameras see of a ball around the origin, coloured by its normals.
ViewSet ball_views(const Cameras& cameras) {
  const Rays rays = camera_rays(cameras, cameras.height, cameras.width);
  const Tensor origins = rays.origins.view({-1, 3, 1, 1});
  const Tensor along = (origins * rays.directions).sum(1, true), offset = origins.square().sum(1, true) - radius * radius;
  const Tensor root = along.square() - offset, alpha = root.gt(0).to(at::kFloat);
  const Tensor distance = -along - root.clamp_min(0).sqrt();
  const Tensor points = origins + distance * rays.directions;
  const Tensor forward = cameras.world_to_camera.select(1, 2).slice(1, 0, 3).view({-1, 3, 1, 1});
  return {(0.5 + points / radius * 0.4) * alpha + 1 - alpha, alpha, distance * (forward * rays.directions).sum(1, true)};
}

TEST(PosedPictures, VisualHullOfABallIsTheBallButForItsPoles) {
  const Cameras seen = concatenate({orbit_cameras(12, 10, 64), look_at_cameras({15, 100, 200, 300}, {60, 50, -50, -60}, 64)});
  const ViewSet pictures = ball_views(seen);
  const Cameras targets = look_at_cameras({15, 75, 190}, {10, 30, -20}, 64);
  const ViewSet hull = visual_hull_views({pictures.rgb, pictures.alpha, seen}, targets, /*surface=*/true),
                truth = ball_views(targets);
  const Scores scores = score_views(hull, truth);
  EXPECT_GT(scores.mask_iou, 0.94);
  EXPECT_GT(scores.psnr, 24);           // a wrong side's colours give 12
  EXPECT_LT(scores.depth_error, 0.03);  // the hull lies outside the ball, never inside
  EXPECT_GT((hull.alpha.gt(0.5).logical_and(truth.alpha.gt(0.5))).sum().item<double>() / truth.alpha.sum().item<double>(), 0.985);
  EXPECT_NEAR(hull.rgb.select(2, 0).min().item<double>(), 1, 1e-6) << "white beyond the object";
  ASSERT_TRUE(hull.surface.defined());
  const Tensor distances = at::linalg_vector_norm(hull.surface.vertices, 2, {1});
  EXPECT_GT(distances.min().item<double>(), radius - 0.02);
  EXPECT_NEAR(distances.median().item<double>(), radius, 0.03);
  EXPECT_LT(distances.max().item<double>(), radius + 0.12);
  EXPECT_FALSE(visual_hull_views({pictures.rgb, pictures.alpha, seen}, targets, false).surface.defined());
}

TEST(PosedPictures, AHullTakesTwoPictures) {
  const Cameras seen = orbit_cameras(1, 10, 32);
  const ViewSet pictures = ball_views(seen);
  EXPECT_ANY_THROW(visual_hull_views({pictures.rgb, pictures.alpha, seen}, seen, false));
}

TEST(PosedPictures, GaussiansFittedToTheTruthAreSeenFromElsewhere) {
  ObjectViews views;
  views.id = "ball";
  views.orbit_views = 8;
  views.cameras = concatenate({orbit_cameras(8, 10, 32), look_at_cameras({30}, {30}, 32)});
  const ViewSet truth = ball_views(views.cameras);
  const Tensor own = (truth.rgb - (1 - truth.alpha)).clamp(0, 1);
  views.rgba = (at::cat({own, truth.alpha}, 1) * 255).round().to(at::kByte);
  views.depth = truth.depth.squeeze(1) * truth.alpha.squeeze(1);
  const EvaluationCase object = make_case(std::move(views), 1);
  const Method method = fitted_views_method(true_orbit, "fit", "", /*steps=*/150);
  const MethodScores scores = evaluate({object}, {method}).at(0);
  ASSERT_EQ(scores.objects.size(), 1U);
  EXPECT_GT(scores.objects[0].random.psnr, 20);
  EXPECT_GT(scores.objects[0].random.mask_iou, 0.85);
}

}  // namespace
}  // namespace gsv3d
