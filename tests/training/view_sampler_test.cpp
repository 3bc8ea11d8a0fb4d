#include "training/view_sampler.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "goldens.h"
#include "toy_data.h"
#include "training/clip_batch.h"

namespace gsv3d {
namespace {

using Indices = std::vector<int64_t>;

TEST(ClipViews, FollowTheDesignOrder) {
  EXPECT_EQ(clip_views({0, 0, false}, 21, 7), (Indices{0, 3, 6, 9, 12, 15, 18}));
  EXPECT_EQ(clip_views({0, 19, false}, 21, 7), (Indices{19, 1, 4, 7, 10, 13, 16}));
  EXPECT_EQ(clip_views({0, 1, true}, 21, 7), (Indices{1, 19, 16, 13, 10, 7, 4}));
}

TEST(ClipCameras, AreTheOrbitAsSeenFromThePhoto) {
  const TrainingSet set = make_training_set({testing::ball_views("ball", 0.4, 15, 32)}, false);
  const Cameras expected = orbit_cameras(7, 15, 32);
  for (const Clip& clip : {Clip{0, 0, false}, Clip{0, 5, false}, Clip{0, 5, true}, Clip{0, 20, true}}) {
    const Cameras actual = clip_cameras(set, {clip}, 7, at::kCPU)[0];
    testing::expect_near(actual.world_to_camera, expected.world_to_camera, 1e-5,
                         fmt::format("start {} mirrored {}", clip.start, clip.mirrored));
    testing::expect_near(actual.intrinsics, expected.intrinsics, 1e-4, "intrinsics");
  }
}

/// A clip's pictures and its cameras must show one world: back-projected depth of every supervision view lies on the ball, and
/// the ball's orange half, on +X in the original world, lies where the clip's turn and mirror put it.
TEST(ClipCameras, PicturesAndCamerasShowOneWorld) {
  const TrainingSet set = make_training_set({testing::ball_views("ball", 0.4, 15, 32)}, true);
  for (const Clip& clip : {Clip{0, 0, false}, Clip{0, 4, false}, Clip{0, 4, true}, Clip{0, 13, true}}) {
    const Supervision supervision = draw_supervision(set, {clip}, BatchShare::all(1), 24, make_generator(3), at::kCPU);
    const TargetViews& target = supervision.targets;
    const Cameras& cameras = supervision.cameras[0];
    const Rays rays = camera_rays(cameras, 32, 32);
    const Tensor forward = cameras.world_to_camera.select(1, 2).narrow(1, 0, 3).unsqueeze(-1).unsqueeze(-1);
    const Tensor distance = target.depth / (rays.directions * forward).sum(1, true);
    const Tensor points = rays.origins.unsqueeze(-1).unsqueeze(-1) + rays.directions * distance;
    const Tensor hit = target.alpha.select(1, 0) > 0.5;
    const Tensor radius = points.square().sum(1).sqrt().masked_select(hit);
    EXPECT_GT(radius.numel(), 24 * 100);
    EXPECT_LT((radius - 0.4).abs().max().item<double>(), 0.01) << "float16 depth: 0.001 at 2, more at grazing rays";

    const double azimuth = 2 * M_PI * static_cast<double>(clip.start) / 21;
    // In the turned world the original +X axis stands at azimuth 90° - azimuth; mirroring flips x.
    const double sign = clip.mirrored ? -1 : 1;
    const Tensor side = points.select(1, 0) * std::cos(azimuth) * sign - points.select(1, 2) * -std::sin(azimuth);
    const Tensor orange = target.rgb.select(1, 0) > target.rgb.select(1, 2);
    const Tensor clear = hit.logical_and(side.abs() > 0.02);
    const double agreement = (orange == (side > 0)).masked_select(clear).to(at::kFloat).mean().item<double>();
    EXPECT_GT(agreement, 0.999) << "start " << clip.start << " mirrored " << clip.mirrored;
  }
}

TEST(DrawClips, CountsGroupsObjectsAndFrontViews) {
  auto views = testing::toy_views();
  views[2].group = "g";
  auto variant = testing::ball_views("variant", 0.5, 10, 32);
  variant.group = "g";
  views.push_back(variant);
  const TrainingSet set = make_training_set(views, false);
  ASSERT_EQ(set.group_count(), 2);
  const auto clips = draw_clips(set, {7, 0.3, 0.5}, 4000, make_generator(5));
  std::map<int64_t, int> orbits;
  int front = 0, mirrored = 0;
  for (const Clip& clip : clips) ++orbits[clip.orbit], front += clip.start == 0, mirrored += clip.mirrored;
  for (int64_t orbit = 0; orbit < 4; ++orbit) EXPECT_NEAR(orbits[orbit], 1000, 120) << orbit;  // 4 standard deviations
  EXPECT_NEAR(front, 4000 * (0.3 + 0.7 / 21), 4 * 30);
  EXPECT_NEAR(mirrored, 2000, 4 * 32);
  EXPECT_THROW(check_clip_sampling({8, 0.3, 0.5}, 21), Error);
  EXPECT_THROW(make_training_set({}, false), Error);
}

TEST(FrameOrder, LastFrameIsThePhoto) {
  const Tensor clips = at::arange(14).reshape({2, 7, 1});
  const Tensor frames = sv3d_clips_from_views(clips);
  EXPECT_EQ(frames[0][6].item<int64_t>(), 0);
  EXPECT_EQ(frames[1][0].item<int64_t>(), 8);
  EXPECT_TRUE(at::equal(views_from_sv3d_clips(frames), clips));
}

}  // namespace
}  // namespace gsv3d
