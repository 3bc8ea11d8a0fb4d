// The 3D loss and the way from latents to Gaussians.
#include "training/gaussian_supervision.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "goldens.h"
#include "toy_data.h"
#include "training/decode_clips.h"
#include "training/decoder_stage.h"

namespace gsv3d {
namespace {

using testing::expect_near;

/// Gaussians of 0.2 at these places, opacity 0.9, grey.
Gaussians blobs(const Tensor& means) {
  const int64_t count = means.size(0);
  Gaussians gaussians{means, at::zeros({count, 4}), at::full({count, 3}, 0.2), at::full({count}, 0.9f), at::zeros({count, 1, 3})};
  gaussians.quats.select(1, 0).fill_(1);
  return gaussians;
}

/// Two views of 16 pixels, of a wall two units in front of the cameras that fills them.
Supervision wall(size_t clips) {
  Supervision supervision;
  supervision.views = 2;
  const auto count = static_cast<int64_t>(clips) * 2;
  for (size_t i = 0; i < clips; ++i) supervision.cameras.push_back(look_at_cameras({0, 0}, {0, 0}, 16));
  supervision.targets = {at::full({count, 3, 16, 16}, 0.4f), at::ones({count, 1, 16, 16}), at::full({count, 1, 16, 16}, 2.0f)};
  return supervision;
}

TEST(Supervise, ThicknessIsTheSecondMomentAboutTheTrueDepth) {
  const Supervision supervision = wall(1);
  RenderingWeights weights{0, 0};
  weights.thickness = 1;
  // One Gaussian 0.1 in front of the wall: every ray sees it at one depth, so the moment is alpha · 0.1².
  const SupervisedRendering one = supervise({blobs(at::tensor({0.f, 0.f, 0.1f}).view({1, 3}))}, supervision, {1}, weights);
  EXPECT_NEAR(one.thickness.item<double>(), one.renderings.alpha.slice(0, 0, 1).mean().item<double>() * 0.01, 1e-6);
  EXPECT_NEAR(one.loss.item<double>(), (one.rgb + one.thickness).item<double>(), 1e-6);
  // Two, before and behind: the mean depth nearly fits, the moment does not.
  const Tensor pair = at::tensor({0.f, 0.f, 0.2f, 0.f, 0.f, -0.2f}).view({2, 3});
  const SupervisedRendering both = supervise({blobs(pair)}, supervision, {1}, weights);
  EXPECT_NEAR(both.thickness.item<double>(), both.renderings.alpha.slice(0, 0, 1).mean().item<double>() * 0.04, 1e-5);
}

TEST(Supervise, ThicknessHasGradientsThatAgreeWithDifferences) {
  const Supervision supervision = wall(1);
  RenderingWeights weights{0, 0};
  weights.thickness = 1;
  const Tensor means = at::tensor({0.05f, 0.f, 0.15f, 0.f, 0.1f, -0.1f}).view({2, 3});
  const auto loss = [&](const Tensor& at) {
    const SupervisedRendering rendered = supervise({blobs(at)}, supervision, {1}, weights);
    return rendered.loss - (rendered.renderings.rgb - supervision.targets.rgb).square().mean();
  };
  const Tensor leaf = means.clone().requires_grad_(true);
  loss(leaf).backward();
  for (int64_t i = 0; i < 2; ++i) {
    Tensor step = at::zeros_like(means);
    step[i][2] = 1e-2;
    const double difference = (loss(means + step) - loss(means - step)).item<double>() / 2e-2;
    EXPECT_NEAR(leaf.grad()[i][2].item<double>(), difference, 0.02 * std::abs(difference) + 1e-4) << "float32, steps of 0.01";
  }
}

TEST(Supervise, ClipsTogetherAreTheMeanOfClipsAlone) {
  RenderingWeights weights{0.5, 0.2, 0.3, 0.1, 0.01, 0.02};
  const Gaussians first = blobs(randn({5, 3}, make_generator(1)) * 0.2), second = blobs(randn({5, 3}, make_generator(2)) * 0.2);
  const double both = supervise({first, second}, wall(2), {1, 0.25}, weights).loss.item<double>();
  const double apart = (supervise({first}, wall(1), {1}, weights).loss.item<double>() +
                        supervise({second}, wall(1), {0.25}, weights).loss.item<double>()) /
                       2;
  EXPECT_NEAR(both, apart, 1e-6);
}

/// The toy model with an RGBA autoencoder and a decoder with a hull; its vae.safetensors is random.
StageContext hull_context(const std::filesystem::path& folder) {
  StageContext context = testing::toy_context(folder);
  context.model.vae.in_channels = context.model.vae.out_ch = 4;
  context.model.gaussian_decoder.hull.emplace();
  context.model.gaussian_decoder.hull->grid = 24;
  context.model.gaussian_decoder.hull->samples = 28;
  const auto store = nn::ParameterStore::random(1);
  const AutoencoderEncoder encoder(context.model.vae, nn::Scope(store));
  const AutoencoderDecoder decoder(context.model.vae, nn::Scope(store));
  export_parameters(context.model_folder / "vae.safetensors", store->parameters());
  return context;
}

TEST(DecodeClips, PicturesAreDecodedViewsBesideThePhotoAndCarryGradients) {
  ModelConfig model = testing::toy_model();
  model.vae.in_channels = model.vae.out_ch = 4;
  model.gaussian_decoder.hull.emplace().grid = 16;
  const auto store = nn::ParameterStore::random(3);
  const Dinov2 dino(model.dino, nn::Scope(store) / "dino");
  const GaussianDecoder decoder(model.gaussian_decoder, nn::Scope(store) / "decoder");
  const std::optional<AutoencoderDecoder> autoencoder(std::in_place, model.vae, nn::Scope(store) / "vae");
  const ClipDecoder networks{model, dino, decoder, autoencoder};
  const Tensor latents = randn({2, 3, 4, 8, 8}, make_generator(2)).requires_grad_(true);
  const Tensor photos = at::rand({2, 4, 32, 32}, make_generator(4), at::TensorOptions(at::kFloat));
  ClipInput input{latents, photos, {orbit_cameras(3, 10, 32), orbit_cameras(3, 20, 32)}};
  const Tensor pictures = clip_pictures(networks, input);
  ASSERT_EQ(pictures.sizes(), at::IntArrayRef({2, 3, 4, 32, 32}));
  EXPECT_TRUE(at::equal(pictures.select(1, 0), photos));
  const Tensor expected = ((*autoencoder)(unscaled_latents(model.vae, latents[1].slice(0, 2, 3))) + 1) / 2;
  expect_near(pictures[1][2], expected[0].clamp(0, 1), 1e-5, "second clip, last view");
  EXPECT_FALSE(pictures.requires_grad());
  // The fresh head ignores the latents: what gradient there is comes through the pictures.
  const auto slope = [&](bool through_pictures) {
    input.picture_gradients = through_pictures;
    const auto sets = decode_clips(networks, input);
    const Tensor sum = (sets[0].means * randn(sets[0].means.sizes(), make_generator(5))).sum();
    return sum.requires_grad() ? torch::autograd::grad({sum}, {latents}, {}, {}, false, true)[0] : Tensor();
  };
  const Tensor without = slope(false);
  EXPECT_EQ(without.defined() ? without.abs().max().item<double>() : 0, 0);
  const Tensor through = slope(true);
  ASSERT_TRUE(through.defined());
  EXPECT_GT(through[0].slice(0, 1).abs().max().item<double>(), 1e-6);
  EXPECT_EQ(through[0][0].abs().max().item<double>(), 0) << "the photo's view is the photo";
}

TEST(DecoderStage, WithAHullStartsBetterAndLearns) {
  const testing::TemporaryFolder folder("hull-decoder");
  StageContext context = hull_context(folder.path);
  DecoderStageConfig config;
  config.steps = 30, config.batch = 2, config.warmup_steps = 2, config.learning_rate = 4e-3;
  config.true_pictures_share = 1;  // the autoencoder is random
  const auto stage = make_decoder_stage(context, config);
  const double before = stage->loss(0, 99, BatchShare::all(config.batch)).loss.item<double>();
  TrainRun run;
  run.folder = folder.path / "run";
  run_training(*stage, config, run);
  const double after = stage->loss(0, 99, BatchShare::all(config.batch)).loss.item<double>();
  printf("hull decoder loss %.4f -> %.4f\n", before, after);
  EXPECT_LT(after, before / 1.3);
  config.true_pictures_share = 0;
  const double decoded = make_decoder_stage(context, config)->loss(0, 99, BatchShare::all(config.batch)).loss.item<double>();
  EXPECT_TRUE(std::isfinite(decoded));
}

}  // namespace
}  // namespace gsv3d
