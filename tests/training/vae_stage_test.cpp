#include "training/vae_stage.h"

#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "image/recoloring.h"
#include "toy_data.h"

namespace gsv3d {
namespace {

VaeStageConfig toy_config(int64_t steps) {
  VaeStageConfig config;
  config.steps = steps;
  config.batch = 4;
  config.warmup_steps = 5;
  config.learning_rate = 4e-3;
  config.recolor_probability = 0;  // always the same pictures: the loss then falls within seconds
  return config;
}

ModelConfig read_model_config_of(const StageContext& context) {
  const auto path = context.model_folder / "config.json";
  return config_from_json<ModelConfig>(read_json_file(path), path.string());
}

TEST(VaeStage, LearnsTwoBalls) {
  const testing::TemporaryFolder folder("vae-learns");
  const StageContext context = testing::toy_context(folder.path);
  const VaeStageConfig config = toy_config(100);
  const auto stage = make_vae_stage(context, config);
  const double before = stage->loss(0, 99, BatchShare::all(config.batch)).loss.item<double>();
  const TrainRun run = testing::toy_run(context, config, folder.path / "run");
  run_training(*stage, config, run);
  const double after = stage->loss(0, 99, BatchShare::all(config.batch)).loss.item<double>();
  printf("vae loss %.4f -> %.4f\n", before, after);
  EXPECT_LT(after, before / 4);
  const double scale = read_json_file(context.model_folder / "config.json")["vae"]["scale_factor"].get<double>();
  EXPECT_NE(scale, 1.0);
  EXPECT_TRUE(std::filesystem::exists(context.model_folder / "vae.safetensors"));
  EXPECT_FALSE(std::filesystem::is_empty(run.folder / "previews"));
}

StageContext alpha_context(const std::filesystem::path& folder) {
  StageContext context = testing::toy_context(folder);
  context.model.vae.in_channels = context.model.vae.out_ch = 4, context.model.vae.patch_size = 2;
  context.model.vae.ch_mult = {1, 2};
  write_json_file(context.model_folder / "config.json", config_to_json(context.model));
  return context;
}

TEST(VaeStage, LearnsColourAndSilhouetteAndExportsUnitChannels) {
  const testing::TemporaryFolder folder("vae-alpha");
  const StageContext context = alpha_context(folder.path);
  VaeStageConfig config = toy_config(150);
  config.recolor_probability = 0.6, config.edge_weight = 0.1;
  const auto stage = make_vae_stage(context, config);
  const auto part = [&](const char* name) {
    const StepLoss loss = stage->loss(0, 99, BatchShare::all(config.batch));
    for (const auto& [key, value] : loss.parts)
      if (key == std::string(name)) return value.item<double>();
    return -1.0;
  };
  const double l1 = part("l1"), alpha = part("alpha"), edge = part("edge");
  const TrainRun run = testing::toy_run(context, config, folder.path / "run");
  run_training(*stage, config, run);
  printf("l1 %.3f -> %.3f, alpha %.3f -> %.3f, edge %.3f -> %.3f\n", l1, part("l1"), alpha, part("alpha"), edge, part("edge"));
  EXPECT_LT(part("l1"), 0.75 * l1) << "measured: 0.64";
  EXPECT_LT(part("alpha"), alpha / 4);
  EXPECT_LT(part("edge"), edge);

  const AutoencoderConfig vae = read_model_config_of(context).vae;
  ASSERT_EQ(vae.latent_scale.size(), 4u);
  const c10::NoGradGuard no_grad;
  const AutoencoderEncoder encoder(vae, nn::Scope(finished_store(context, "vae.safetensors", "vae")));
  std::vector<Tensor> views;
  // As they are drawn: the object with one orbit as often as the one with two.
  for (const int64_t orbit : {0, 1, 2, 2}) {
    const TrainingSet::Orbit& views_of = context.set->orbit(orbit);
    views.push_back(context.set->rgba().narrow(0, views_of.first, views_of.count));
  }
  const Tensor rgba = at::cat(views).to(at::kFloat).div(255).repeat({4, 1, 1, 1});
  const Tensor pictures = picture(recolored(rgba, draw_recoloring(rgba.size(0), 0.6, 0.15, make_generator(3), at::kCPU)));
  const Tensor latents = scaled_latents(vae, encoder.mode(signed_pictures(vae, pictures))).transpose(0, 1).flatten(1);
  for (int64_t c = 0; c < latents.size(0); ++c) {  // other views than those that were measured, and rounded weights
    EXPECT_NEAR(latents[c].mean().item<double>(), 0, 0.15) << c;
    EXPECT_NEAR(latents[c].std().item<double>(), 1, 0.15) << c;
  }
}

TEST(VaeStage, OneScaleForAllOnRequest) {
  const testing::TemporaryFolder folder("vae-one-scale");
  const StageContext context = alpha_context(folder.path);
  VaeStageConfig config = toy_config(1);
  config.per_channel = false;
  testing::export_to_model(*make_vae_stage(context, config), context);
  const AutoencoderConfig vae = read_model_config_of(context).vae;
  EXPECT_FALSE(vae.scales_channels());
  EXPECT_NE(vae.scale_factor, context.model.vae.scale_factor);
}

}  // namespace
}  // namespace gsv3d
