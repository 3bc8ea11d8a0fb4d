// The model as a method: same seed, same views; the ceiling uses the true latents.
#include "evaluation/model_methods.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "goldens.h"
#include "pipeline/pipeline.h"
#include "rasterizer/rasterizer.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using testing::expect_near;

ObjectViews random_views(int64_t size) {
  ObjectViews views;
  views.id = "random";
  views.orbit_views = 6;
  views.elevation_degrees = 15;
  views.cameras = concatenate({orbit_cameras(6, 15, size), look_at_cameras({40}, {30}, size)});
  views.rgba = at::randint(0, 256, {7, 4, size, size}, make_generator(3), at::kByte);
  views.depth = at::full({7, size, size}, 2.0f);
  return views;
}

struct ModelMethods : ::testing::Test {
  ModelMethods() {
    const testing::TemporaryFolder folder;
    initialise_model(folder / "toy", testing::toy_config(), 4);
    model = std::make_shared<const Model>(load_model(folder / "toy", {}));
    two_steps.sampling["steps"] = 2;
  }
  GenerateOptions two_steps;
  std::shared_ptr<const Model> model;
};

TEST_F(ModelMethods, PipelineGivesTheSameViewsForTheSameSeed) {
  const Method method = pipeline_method(model, "pipeline", "", two_steps);
  const EvaluationCase object = make_case(random_views(32), 5), other_seed = make_case(random_views(32), 6);
  const Cameras targets = object.truth.cameras.slice(1, 7);
  const ViewSet first = method.predict(object, targets), again = method.predict(object, targets);
  ASSERT_EQ(first.rgb.sizes(), at::IntArrayRef({6, 3, 32, 32}));
  ASSERT_EQ(first.depth.sizes(), at::IntArrayRef({6, 1, 32, 32}));
  EXPECT_TRUE(at::equal(first.rgb, again.rgb));
  // The head of a fresh decoder ignores latents; the latents themselves differ.
  const auto latents = [&](uint64_t seed) {
    GenerateOptions options;
    options.seed = seed, options.sampling["steps"] = 2;
    return generate_latents(*model, object.input_rgb, options).latents;
  };
  EXPECT_FALSE(at::equal(latents(5), latents(6)));
}

TEST_F(ModelMethods, CeilingDecodesTheTrueViewsAtEqualSteps) {
  const EvaluationCase object = make_case(random_views(32), 0);
  const Cameras targets = object.truth.cameras.slice(1, 7);
  // The model has 3 views: every second one of the orbit of 6.
  const ViewSet all = true_views(object.truth, 0, 6);
  const Tensor chosen = at::stack({all.rgb[0], all.rgb[2], all.rgb[4]});
  const Tensor latents = scaled_latents(model->config.vae, encode_photo(*model, chosen));
  const Gaussians gaussians = prune(decode_gaussians(*model, latents, object.input_rgb, 15), min_exported_opacity);
  const Rendering expected = rasterize(gaussians, targets, at::ones({3}));
  expect_near(true_latents_method(model).predict(object, targets).rgb, expected.rgb, 1e-6, "views");
}

TEST_F(ModelMethods, UnrefinedIsThePipelineWithoutItsAdditions) {
  const EvaluationCase object = make_case(random_views(32), 5);
  const Cameras targets = object.truth.cameras.slice(1, 7);
  GenerateOptions plain = two_steps;
  plain.refine = false, plain.photo_palette = false, plain.photo_surface = false;
  const ViewSet unrefined = unrefined_method(model, "unrefined", "", two_steps).predict(object, targets);
  EXPECT_TRUE(at::equal(unrefined.rgb, pipeline_method(model, "plain", "", plain).predict(object, targets).rgb));
  EXPECT_TRUE(unrefined.generated.has_value());
  EXPECT_FALSE(at::equal(unrefined.rgb, pipeline_method(model, "whole", "", two_steps).predict(object, targets).rgb));
}

TEST_F(ModelMethods, WhatSeesThePhotoAloneNeedsNoViews) {
  const testing::TemporaryFolder folder;
  ModelConfig config = testing::toy_config();
  config.gaussian_decoder.triplane = TriplaneConfig{.side = 4, .point_tokens = 8, .points_per_token = 4};
  initialise_model(folder / "toy", config, 4);
  for (const char* part : {"unet", "vae", "image_embedder"})
    std::filesystem::remove(folder / "toy" / (std::string(part) + ".safetensors"));
  const auto alone = std::make_shared<const Model>(load_model(folder / "toy", {}));
  EXPECT_TRUE(sees_photo_alone(*alone));
  EXPECT_FALSE(sees_photo_alone(*model));
  const EvaluationCase object = make_case(random_views(32), 0);
  const Cameras targets = object.truth.cameras.slice(1, 7);
  const ViewSet seen = unrefined_method(alone, "from the photo", "", two_steps).predict(object, targets);
  EXPECT_FALSE(seen.generated.has_value());
  const Tensor any_latents = randn({3, 4, 8, 8}, make_generator(2));
  const Gaussians gaussians = prune(decode_gaussians(*alone, any_latents, object.input_rgb, 15), min_exported_opacity);
  EXPECT_EQ(gaussians.count(), 32);
  expect_near(seen.rgb, rasterize(gaussians, targets, at::ones({3})).rgb, 1e-6, "views");
}

TEST_F(ModelMethods, AutoencoderIsScoredOnAllOrbitViewsAndOnTheObjectsPixels) {
  const EvaluationCase object = make_case(random_views(32), 0);
  const ViewSet truth = true_views(object.truth, 0, 6);
  double frame = 0, foreground = 0;  // sums of the six views' PSNRs, with plain loops over pixels
  for (int64_t view = 0; view < 6; ++view) {
    const Tensor latent = scaled_latents(model->config.vae, encode_photo(*model, truth.rgb.slice(0, view, view + 1)));
    const Tensor squares = (decode_views(*model, latent)[0] - truth.rgb[view]).to(at::kDouble).square().contiguous();
    const auto square = squares.accessor<double, 3>();
    const auto alpha = truth.alpha.accessor<float, 4>();
    double all = 0, solid = 0;
    int64_t solid_pixels = 0;
    for (int64_t y = 0; y < 32; ++y)
      for (int64_t x = 0; x < 32; ++x) {
        const double sum = square[0][y][x] + square[1][y][x] + square[2][y][x];
        all += sum;
        if (alpha[view][0][y][x] > 0.5f) solid += sum, ++solid_pixels;
      }
    frame -= 10 * std::log10(all / (3 * 32 * 32));
    foreground -= 10 * std::log10(solid / static_cast<double>(3 * solid_pixels));
  }
  const AutoencoderScores scores = score_autoencoder(*model, object);
  EXPECT_EQ(scores.id, "random");
  // Four views at a time instead of one: convolutions may add in another order.
  EXPECT_NEAR(scores.psnr, frame / 6, 1e-4);
  EXPECT_NEAR(scores.foreground_psnr, foreground / 6, 1e-4);
  EXPECT_GT(std::abs(scores.psnr - scores.foreground_psnr), 0.1) << "the two say different things here";
}

TEST_F(ModelMethods, ViewsOfAnotherSizeAreRefused) {
  const EvaluationCase object = make_case(random_views(16), 0);
  EXPECT_THROW(pipeline_method(model, "pipeline", "", two_steps).predict(object, object.truth.cameras), Error);
  EXPECT_THROW(score_autoencoder(*model, object), Error);
  ObjectViews odd = random_views(32);
  odd.orbit_views = 5;
  EXPECT_THROW(true_latents_method(model).predict(make_case(odd, 0), odd.cameras), Error);
}

}  // namespace
}  // namespace gsv3d
