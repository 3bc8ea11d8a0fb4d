#include "training/vae_stage.h"

#include <gtest/gtest.h>

#include "toy_data.h"

namespace gsv3d {
namespace {

VaeStageConfig toy_config(int64_t steps) {
  VaeStageConfig config;
  config.steps = steps;
  config.batch = 4;
  config.warmup_steps = 5;
  config.learning_rate = 4e-3;
  config.tint_probability = 0;  // always the same pictures: the loss then falls within seconds
  return config;
}

TEST(VaeStage, LearnsTwoBalls) {
  const testing::TemporaryFolder folder("vae-learns");
  const StageContext context = testing::toy_context(folder.path);
  const VaeStageConfig config = toy_config(100);
  const auto stage = make_vae_stage(context, config);
  const double before = stage->loss(0, 99).loss.item<double>();
  TrainRun run;
  run.folder = folder.path / "run";
  run_training(*stage, config, run);
  const double after = stage->loss(0, 99).loss.item<double>();
  printf("vae loss %.4f -> %.4f\n", before, after);
  EXPECT_LT(after, before / 4);
  const double scale = read_json_file(context.model_folder / "config.json")["vae"]["scale_factor"].get<double>();
  EXPECT_NE(scale, 1.0);
  EXPECT_TRUE(std::filesystem::exists(context.model_folder / "vae.safetensors"));
  EXPECT_FALSE(std::filesystem::is_empty(run.folder / "previews"));
}

}  // namespace
}  // namespace gsv3d
