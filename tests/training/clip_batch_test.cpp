// Batches against a plain twin: one clip after the other, one view after the other.
#include "training/clip_batch.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "errors.h"
#include "goldens.h"
#include "toy_data.h"

namespace gsv3d {
namespace {

/// One view as the clip shows it, [4, S, S] straight RGBA.
Tensor plain_view(const ObjectViews& views, const Clip& clip, int64_t index) {
  Tensor rgba = views.rgba[index].to(at::kFloat) / 255;
  if (clip.mirrored) rgba = rgba.flip(-1);
  std::vector<Tensor> channels;
  for (size_t c = 0; c < 3; ++c) channels.push_back(rgba[clip.channels[c]] * clip.gains[c]);
  channels.push_back(rgba[3]);
  return at::stack(channels);
}

Cameras plain_cameras(const ObjectViews& views, const Clip& clip, const std::vector<int64_t>& indices) {
  const double azimuth = 360.0 * static_cast<double>(clip.start) / static_cast<double>(views.orbit_views);
  const Cameras turned = rotate_azimuth(views.cameras.select(at::tensor(indices, at::kLong)), azimuth);
  return clip.mirrored ? mirrored(turned) : turned;
}

const std::vector<Clip> kClips = {{0, 5, false, {0, 1, 2}, {1, 1, 1}},
                                  {2, 3, true, {2, 0, 1}, {0.3, 0.9, 0.5}},
                                  {1, 20, true, {0, 1, 2}, {1, 1, 1}},
                                  {2, 0, false, {1, 0, 2}, {1, 0.2, 1}}};

struct Toy {
  testing::TemporaryFolder folder{"clip-batch"};
  StageContext context = testing::toy_context(folder.path);
  std::vector<ObjectViews> views = testing::toy_views();
  Toy() {
    const auto store = nn::ParameterStore::random(1);
    const AutoencoderEncoder encoder(context.model.vae, nn::Scope(store));
    const AutoencoderDecoder decoder(context.model.vae, nn::Scope(store));
    export_parameters(context.model_folder / "vae.safetensors", store->parameters());
  }
  LatentCache latents(const std::string& source) const {
    ClipTrainerConfig config;
    config.encode_views = source;
    return {context, config};
  }
};

TEST(ClipBatch, EqualsTheClipsOneByOne) {
  const Toy toy;
  const ClipBatch batch = assemble_clips(*toy.context.set, toy.latents("on_the_fly"), kClips, 7, at::kCPU);
  const TargetViews truth = true_clip_views(*toy.context.set, kClips, 7, at::kCPU);
  const std::vector<Cameras> cameras = clip_cameras(*toy.context.set, kClips, 7, at::kCPU);
  EXPECT_EQ(batch.views.sizes(), at::IntArrayRef({4, 7, 4, 32, 32}));
  EXPECT_TRUE(at::equal(batch.photos, batch.views.select(1, 0)));
  const AutoencoderEncoder encoder(toy.context.model.vae, nn::Scope(finished_store(toy.context, "vae.safetensors", "vae")));
  for (size_t i = 0; i < kClips.size(); ++i) {
    const auto clip = static_cast<int64_t>(i);
    const ObjectViews& views = toy.views[static_cast<size_t>(kClips[i].orbit)];
    const std::vector<int64_t> indices = clip_views(kClips[i], 21, 7);
    for (int64_t j = 0; j < 7; ++j) {
      const int64_t index = indices[static_cast<size_t>(j)];
      const Tensor expected = picture(plain_view(views, kClips[i], index));
      testing::expect_near(batch.views[clip][j], expected, 1e-6, fmt::format("view {} of clip {}", j, i));
      testing::expect_near(truth.rgb[7 * clip + j], expected.narrow(0, 0, 3), 1e-6, "true colour");
      testing::expect_near(truth.alpha[7 * clip + j], expected.narrow(0, 3, 1), 1e-6, "true alpha");
      const Tensor depth = views.depth[index].to(at::kHalf).to(at::kFloat);
      EXPECT_TRUE(at::equal(truth.depth[7 * clip + j][0], kClips[i].mirrored ? depth.flip(-1) : depth));
    }
    const Cameras expected = plain_cameras(views, kClips[i], indices);
    testing::expect_near(cameras[i].world_to_camera, expected.world_to_camera, 1e-6, "cameras");
    EXPECT_TRUE(at::equal(cameras[i].intrinsics, expected.intrinsics));
    EXPECT_EQ(batch.elevations_degrees[i], views.elevation_degrees);
    testing::expect_near(batch.latents[clip], encoder.mode(batch.views[clip].narrow(1, 0, 3) * 2 - 1), 1e-5, "latents");
  }
}

TEST(ClipBatch, CachedLatentsAreThoseMadeOnTheFly) {
  const Toy toy;
  const auto clips = draw_clips(*toy.context.set, {7, 0.3, 0.5}, 12, make_generator(4));
  const ClipBatch cached = assemble_clips(*toy.context.set, toy.latents("cached"), clips, 7, at::kCPU);
  const ClipBatch again = assemble_clips(*toy.context.set, toy.latents("cached"), clips, 7, at::kCPU);  // from the file
  const ClipBatch made = assemble_clips(*toy.context.set, toy.latents("on_the_fly"), clips, 7, at::kCPU);
  EXPECT_TRUE(at::equal(cached.latents, again.latents));
  const ClipBatch spared = assemble_clips(*toy.context.set, toy.latents("cached"), clips, 7, at::kCPU, /*with_views=*/false);
  EXPECT_TRUE(at::equal(spared.latents, cached.latents));
  EXPECT_TRUE(at::equal(spared.photos, cached.photos));
  EXPECT_FALSE(spared.views.defined());
  testing::expect_near(cached.latents, made.latents, 1e-5, "latents");
  ClipTrainerConfig config;
  config.encode_views = "sometimes";
  testing::expect_error([&] { check_settings(config, "c.json"); }, "cached, on_the_fly", "c.json.encode_views");
}

TEST(Supervision, ShowsDifferentViewsOfTheClipsOrbit) {
  auto views = testing::toy_views();
  views.push_back(testing::ball_views("few", 0.4, 10, 32, 21, 1));
  const TrainingSet set = make_training_set(views, true);
  const Supervision all =
      draw_supervision(set, kClips, BatchShare::all(static_cast<int64_t>(kClips.size())), 100, make_generator(3), at::kCPU);
  EXPECT_EQ(all.views, 22) << "what every orbit has";
  const Supervision supervision =
      draw_supervision(set, kClips, BatchShare::all(static_cast<int64_t>(kClips.size())), 4, make_generator(3), at::kCPU);
  ASSERT_EQ(supervision.cameras.size(), 4u);
  for (size_t i = 0; i < kClips.size(); ++i) {
    const ObjectViews& orbit = views[static_cast<size_t>(kClips[i].orbit)];
    std::set<int64_t> seen;
    for (int64_t j = 0; j < 4; ++j) {
      const Cameras camera = supervision.cameras[i].slice(j, j + 1);
      for (int64_t index = 0; index < orbit.rgba.size(0); ++index) {
        if (!at::allclose(plain_cameras(orbit, kClips[i], {index}).world_to_camera, camera.world_to_camera, 0, 1e-6)) continue;
        seen.insert(index);
        const Tensor expected = picture(plain_view(orbit, kClips[i], index));
        testing::expect_near(supervision.targets.rgb[static_cast<int64_t>(i) * 4 + j], expected.narrow(0, 0, 3), 1e-6, "target");
      }
    }
    EXPECT_EQ(seen.size(), 4u) << "clip " << i;
  }
}

TEST(Recolouring, KeepsTheShareAndTheRange) {
  const TrainingSet set = make_training_set(testing::toy_views(), false);
  const auto plain = draw_clips(set, {7, 0.3, 0.5}, 3000, make_generator(5));
  const auto clips = draw_clips(set, {7, 0.3, 0.5, 0.6, 0.25}, 3000, make_generator(5));
  int changed = 0, permuted = 0;
  for (size_t i = 0; i < clips.size(); ++i) {
    EXPECT_EQ(clips[i].orbit, plain[i].orbit);
    EXPECT_EQ(clips[i].start, plain[i].start);
    changed += clips[i].gains[0] != 1;
    permuted += clips[i].channels != std::array<int64_t, 3>{0, 1, 2};
    for (const double gain : clips[i].gains) EXPECT_TRUE(gain >= 0.25 && gain <= 1);
    EXPECT_EQ(clips[i].channels[0] + clips[i].channels[1] + clips[i].channels[2], 3);
  }
  EXPECT_NEAR(changed, 1800, 4 * 27);
  EXPECT_NEAR(permuted, 1500, 4 * 28);
}

}  // namespace
}  // namespace gsv3d
