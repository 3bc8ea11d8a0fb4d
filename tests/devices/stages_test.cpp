// A step of every training stage on a device that is not the CPU: no tensor is made on the wrong one, and the host hardly reads.
#include <gtest/gtest.h>

#include "../training/toy_data.h"
#include "other_device.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/train.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

TEST(OtherDevice, IsStrictAndCountsReads) {
  const Tensor there = at::ones({3}, at::TensorOptions(testing::other_device())), here = at::ones({3});
  EXPECT_ANY_THROW(there + here);
  EXPECT_ANY_THROW(at::cat({there, here}));
  testing::take_host_reads();
  EXPECT_EQ((there * 2 + 1).sum().item<double>(), 9);
  EXPECT_TRUE(at::equal((there + there).cpu(), here * 2));
  EXPECT_EQ(testing::take_host_reads(), (std::vector<std::string>{"aten::_local_scalar_dense", "copy"}));
}

/// Loss and gradients of two steps; → what the host read in the second.
template <class Config, class Make>
std::vector<std::string> two_steps(const StageContext& context, Config config, Make make) {
  config.batch = 2;
  const auto stage = make(context, config);
  for (const int64_t step : {0, 1}) {
    testing::take_host_reads();
    const Autocast autocast(context.device.type(), at::kFloat);
    stage->loss(step, 3, BatchShare::all(config.batch)).loss.backward();
  }
  const auto reads = testing::take_host_reads();
  size_t with_gradient = 0;
  for (const auto& [name, parameter] : stage->parameters()) {
    EXPECT_EQ(parameter.device(), context.device) << name;
    with_gradient += parameter.grad().defined();
  }
  EXPECT_GT(with_gradient, 0u);
  stage->preview();
  testing::export_to_model(*stage, context);
  return reads;
}

std::string counted(const std::vector<std::string>& reads) {
  std::map<std::string, int> counts;
  for (const auto& read : reads) ++counts[read];
  std::string text;
  for (const auto& [name, count] : counts) text += fmt::format("{} × {}  ", count, name);
  return text;
}

TEST(OtherDevice, RunsEveryStage) {
  const testing::TemporaryFolder folder("other_device");
  StageContext context = testing::toy_context(folder.path);
  context.device = testing::other_device();
  const auto vae = two_steps(context, VaeStageConfig(), make_vae_stage);
  EXPECT_TRUE(vae.empty()) << counted(vae);
  context.model = read_model_config(context.model_folder);
  const auto diffusion = two_steps(context, DiffusionStageConfig(), make_diffusion_stage);
  EXPECT_TRUE(diffusion.empty()) << counted(diffusion);
  // Only what crosses over because the CPU's rasterizer renders here: per call 8 inputs of each of 2 clips, images' gradients.
  const auto decoder = two_steps(context, DecoderStageConfig(), make_decoder_stage);
  EXPECT_LE(decoder.size(), 42u) << counted(decoder);
  EXPECT_EQ(std::count(decoder.begin(), decoder.end(), "copy"), static_cast<int64_t>(decoder.size())) << counted(decoder);
  auto distill = DistillStageConfig();
  distill.p_mean = -1;
  const auto distilled = two_steps(context, distill, make_distill_stage);
  EXPECT_LE(distilled.size(), 42u) << counted(distilled);
  EXPECT_EQ(std::count(distilled.begin(), distilled.end(), "copy"), static_cast<int64_t>(distilled.size())) << counted(distilled);
}

template <class Config>
Config coloured() {
  Config config;
  config.encode_views = "on_the_fly", config.recolor_probability = 0.6;
  return config;
}

/// What configs/small uses beyond the default: alpha, a visual hull, joint attention, patch tokens, sampled latents.
TEST(OtherDevice, RunsEveryStageOfTheSmallModelsKind) {
  const testing::TemporaryFolder folder("other_device_small");
  StageContext context = testing::toy_context(folder.path);
  context.device = testing::other_device();
  ModelConfig& model = context.model;
  model.vae.in_channels = model.vae.out_ch = 4, model.vae.patch_size = 2, model.vae.ch_mult = {1, 2};
  model.unet.joint_attention = model.image_embedder.patch_tokens = model.sampler.clean_photo_frame = true;
  model.sampler.steps = 3;
  model.gaussian_decoder.hull.emplace();
  write_json_file(context.model_folder / "config.json", config_to_json(model));
  const auto vae = two_steps(context, VaeStageConfig(), make_vae_stage);
  EXPECT_TRUE(vae.empty()) << counted(vae);
  context.model = read_model_config(context.model_folder);
  auto diffusion = coloured<DiffusionStageConfig>();
  diffusion.sampler_share = 0.8;
  const auto diffused = two_steps(context, diffusion, make_diffusion_stage);
  EXPECT_TRUE(diffused.empty()) << counted(diffused);
  auto decoder = coloured<DecoderStageConfig>();
  decoder.sampled_share = 0.5;
  const auto decoded = two_steps(context, decoder, make_decoder_stage);
  EXPECT_EQ(std::count(decoded.begin(), decoded.end(), "copy"), static_cast<int64_t>(decoded.size())) << counted(decoded);
  EXPECT_LE(decoded.size(), 42u) << counted(decoded);
  auto distill = coloured<DistillStageConfig>();
  distill.sampler_share = 0.9, distill.on_policy = 0.8, distill.balance_gradients = true, distill.snr_gain = 1e4;
  const auto distilled = two_steps(context, distill, make_distill_stage);
  EXPECT_EQ(std::count(distilled.begin(), distilled.end(), "copy"), static_cast<int64_t>(distilled.size())) << counted(distilled);
  EXPECT_LE(distilled.size(), 42u) << counted(distilled);
}

/// Optimizer, average, metrics and checkpoint.
TEST(OtherDevice, TheTrainerReadsSeldom) {
  const testing::TemporaryFolder folder("other_device_trainer");
  StageContext context = testing::toy_context(folder.path);
  context.device = testing::other_device();
  VaeStageConfig config;
  config.steps = 6, config.batch = 2, config.log_steps = 3;
  TrainRun run;
  run.folder = folder.path / "run", run.device = context.device;
  testing::take_host_reads();
  const TrainSummary summary = run_training(*make_vae_stage(context, config), config, run);
  EXPECT_EQ(summary.steps, 6);
  EXPECT_EQ(summary.skipped, 0);
  EXPECT_GT(summary.last_loss, 0);
  EXPECT_GT(testing::take_host_reads().size(), 0u);
}

}  // namespace
}  // namespace gsv3d
