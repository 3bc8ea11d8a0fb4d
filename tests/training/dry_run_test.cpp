// What a training will take: parameters counted from shapes, activations against those of real forward passes.
#include "training/dry_run.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "errors.h"
#include "nn/recompute.h"
#include "toy_data.h"
#include "training/activation_estimate.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/train.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;

int64_t trained_bytes(const Stage& stage) {
  int64_t count = 0;
  for (const auto& [name, tensor] : stage.parameters()) count += tensor.numel();
  return count;
}

/// Bytes that are linear in their sizes are continued exactly, and those within reach are measured.
TEST(ActivationEstimate, ContinuesAlongStraightLines) {
  std::vector<std::vector<int64_t>> measured;
  const auto measure = [&](const std::vector<int64_t>& size) {
    measured.push_back(size);
    return ActivationBytes{7 + 3 * size[0] + 5 * size[1] + 2 * size[0] * size[1] * size[2], size[0] * size[1]};
  };
  const ActivationBytes far = continued({{2, 4, 10}, {1, 2, 16}, {64, 256, 5184}}, measure);
  EXPECT_EQ(far.kept, 7 + 30 + 80 + 2 * 10 * 16 * 5184);
  EXPECT_EQ(far.passing, 160);
  EXPECT_EQ(measured.size(), 8U);
  measured.clear();
  EXPECT_EQ(continued({{2, 4, 3}, {1, 2, 16}, {64, 256, 256}}, measure).kept, 7 + 9 + 80 + 2 * 3 * 16 * 256);
  EXPECT_EQ(measured, (std::vector<std::vector<int64_t>>{{3, 1, 256}, {3, 2, 256}}));
}

/// Each network of a size that can be measured, and is not among those that the estimate measures.
ModelConfig middling_model() {
  ModelConfig model = testing::toy_model();
  model.frames = 6;
  model.image_size = 96;  // latents of 24
  model.unet.model_channels = 48;
  model.dino.depth = 5;
  model.image_embedder.layers = 5;
  model.gaussian_decoder.depth = 5;
  model.gaussian_decoder.upsampler_window = 4;
  return model;
}

/// Measured whole: every size is its own small one.
ActivationBytes measured_decoder(const ModelConfig& model, const ActivationCase& of) {
  const auto dino_store = nn::ParameterStore::random(1), store = nn::ParameterStore::random(1);
  const Dinov2 dino(model.dino, nn::Scope(dino_store));
  const GaussianDecoder decoder(model.gaussian_decoder, nn::Scope(store));
  dino_store->set_requires_grad(of.trains_dino), store->set_requires_grad(of.trains_decoder);
  const nn::Recomputation recomputation(of.recompute);
  return activation_bytes([&] {
    const Tensor tokens = dino(at::zeros({1, 3, model.dino.image_size, model.dino.image_size})).patch_tokens;
    const Tensor latents = at::zeros({1, model.frames, 4, 24, 24}).requires_grad_(!of.trains_decoder);
    const auto made = decoder(latents, {orbit_cameras(model.frames, 10, model.image_size)}, tokens);
    return std::vector<Tensor>{made[0].means, made[0].quats, made[0].scales, made[0].opacities, made[0].sh};
  });
}

ActivationBytes measured_unet(const ModelConfig& model, const ActivationCase& of) {
  const auto store = nn::ParameterStore::random(1);
  if (of.lora.rank > 0) store->enable_lora(of.lora);
  const VideoUNet unet(model.unet, nn::Scope(store));
  of.lora.rank > 0 ? store->set_lora_requires_grad(true) : store->set_requires_grad(true);
  VideoUNet::Input input;
  input.x = at::zeros({model.frames, 8, 24, 24});
  input.timesteps = at::zeros({model.frames});
  input.context = at::zeros({1, 1, 16});
  input.y = at::zeros({model.frames, 48});
  input.frames = model.frames;
  const nn::Recomputation recomputation(of.recompute);
  return activation_bytes([&] { return std::vector<Tensor>{unet(input)}; });
}

TEST(ActivationEstimate, IsWhatIsMeasured) {
  const ModelConfig model = middling_model();
  const auto expect_near = [](const char* what, const ActivationBytes& estimate, const ActivationBytes& truth) {
    printf("%s: kept %.3f MB, estimated %.3f; passing %.3f, estimated %.3f\n", what, static_cast<double>(truth.kept) / 1e6,
           static_cast<double>(estimate.kept) / 1e6, static_cast<double>(truth.passing) / 1e6,
           static_cast<double>(estimate.passing) / 1e6);
    EXPECT_NEAR(static_cast<double>(estimate.kept), static_cast<double>(truth.kept), 0.02 * static_cast<double>(truth.kept))
        << what;
    EXPECT_NEAR(static_cast<double>(estimate.passing), static_cast<double>(truth.passing),
                0.1 * static_cast<double>(truth.peak()))
        << what;
  };
  ActivationCase plain, lora{.lora = {4, 0, {"to_q", "to_v"}}, .trains_dino = false, .trains_decoder = false, .recompute = true};
  expect_near("unet", unet_activations(model, plain), measured_unet(model, plain));
  expect_near("lora, recomputed", unet_activations(model, lora), measured_unet(model, lora));
  expect_near("decoder", decoder_activations(model, plain), measured_decoder(model, plain));
  expect_near("frozen decoder, recomputed", decoder_activations(model, lora), measured_decoder(model, lora));
}

/// Clips of a real step on top of what the networks keep: nothing large was forgotten.
TEST(ActivationEstimate, ARealStepKeepsThat) {
  const testing::TemporaryFolder folder("dry-run-step");
  const StageContext context = testing::toy_context(folder.path);
  initialise_model(folder.path / "made", context.model, 1);
  StageContext made = context;
  made.model_folder = folder.path / "made";
  DiffusionStageConfig config;
  config.batch = 1, config.encode_views = "on_the_fly";
  const auto stage = make_diffusion_stage(made, config);
  const double kept =
      static_cast<double>(activation_bytes([&] { return std::vector<Tensor>{stage->loss(0, 1, BatchShare::all(1)).loss}; }).kept);
  const PlannedStage planned{"diffusion", config.trained_files(), 1, false, {}};
  const double estimate = static_cast<double>(plan_training(context.model, planned, 1).activations.kept);
  printf("a step keeps %.3f MB, estimated %.3f\n", kept / 1e6, estimate / 1e6);
  EXPECT_GT(estimate, 0.8 * kept);
  EXPECT_LT(estimate, 1.05 * kept);
}

TEST(DryRun, CountsTheParametersThatAStageTrains) {
  const testing::TemporaryFolder folder("dry-run-count");
  const StageContext context = testing::toy_context(folder.path);
  initialise_model(folder.path / "made", context.model, 1);
  StageContext made = context;
  made.model_folder = folder.path / "made";
  const auto expect_count = [&](const char* name, const auto& config, const auto& make, nn::LoraOptions lora = {}) {
    const TrainingPlan plan = plan_training(context.model, {name, config.trained_files(), config.batch, false, lora}, 2);
    EXPECT_EQ(plan.trained(), trained_bytes(*make(made, config))) << name;
    EXPECT_EQ(plan.items(), config.batch / 2);
    EXPECT_GT(plan.activations.kept, 0);
    EXPECT_EQ(plan.state_bytes(), 4 * plan.parameters() + 16 * plan.trained());
    EXPECT_EQ(plan.peak_bytes(false), plan.state_bytes() + config.batch / 2 * plan.activations.peak());
  };
  expect_count("vae", VaeStageConfig(), make_vae_stage);
  expect_count("diffusion", DiffusionStageConfig(), make_diffusion_stage);
  expect_count("decoder", DecoderStageConfig(), make_decoder_stage);
  const DistillStageConfig distill;
  expect_count("distill", distill, make_distill_stage, {distill.lora_rank, distill.lora_alpha, distill.lora_targets});
  const PlannedStage shared{"vae", VaeStageConfig().trained_files(), 4, false, {}, false, 3, true};
  const TrainingPlan plan = plan_training(context.model, shared, 2);
  EXPECT_EQ(plan.state_bytes(), 4 * plan.parameters() + 8 * plan.trained() + 8 * ((plan.trained() + 1) / 2))
      << "half of the moments";
  EXPECT_THAT(plan_text(plan),
              HasSubstr("each of 2 processes: 2 of a batch of 4, its part of the moments; 3 batches make a step of 12\n"));
  EXPECT_THROW(plan_training(context.model, {"vae", VaeStageConfig().trained_files(), 4, false, {}}, 3), Error)
      << "3 do not divide 4";
}

/// SV3D's parts as their public files have them, and the paper's ViT-B decoder.
TEST(DryRun, FullSizeHasTheKnownNumbersOfParameters) {
  const auto folder = std::filesystem::path(GSV3D_SOURCE_DIR) / "configs" / "full";
  const ModelConfig model = read_model_config(folder);
  EXPECT_EQ(model.frames, 16);
  const auto config = config_from_json<DistillStageConfig>(read_json_file(folder / "train_distill.json"), "distill");
  std::map<std::string, int64_t> counts;
  for (const auto& part : counted_parts(model, {"distill", config.trained_files(), config.batch, false, {}}))
    counts[part.name] = part.parameters;
  EXPECT_EQ(counts["unet"], 1'525'278'442)
      << "SVD's 1,524,623,082 (diffusers), with SV3D's vector of 1280 instead of 768 numbers";
  EXPECT_EQ(counts["vae"], 83'653'843);
  EXPECT_EQ(counts["image_embedder"], 632'076'800) << "ViT-H/14 of OpenCLIP";
  EXPECT_EQ(counts["dino"], 86'579'712) << "ViT-B/14 of DINOv2: 86,580,480 with the mask token of its training";
  EXPECT_EQ(config.steps, 40'000);
  EXPECT_EQ(config.items_per_step(), 32);
  const auto decoder = config_from_json<DecoderStageConfig>(read_json_file(folder / "train_decoder.json"), "decoder");
  EXPECT_EQ(decoder.steps, 80'000);
  EXPECT_EQ(decoder.items_per_step(), 128);
  EXPECT_EQ(decoder.learning_rate, 1e-5);
}

TEST(DryRun, TellsAndTriesAStepOfEveryStage) {
  const auto configs = std::filesystem::path(GSV3D_SOURCE_DIR) / "configs" / "tiny";
  TrainOptions options;
  options.model = configs;
  for (const std::string stage : {"vae", "diffusion", "decoder", "distill"}) {
    options.stage = stage;
    options.config = configs / ("train_" + stage + ".json");
    const std::string text = dry_run(options, 1, /*tries_step=*/true);
    EXPECT_THAT(text, HasSubstr("estimated: peak")) << stage;
    EXPECT_THAT(text, HasSubstr("one step of 64 x 64 pixels on this CPU, random weights: loss ")) << stage;
  }
  options.stage = "text-to-nothing";
  EXPECT_THAT(testing::error_of([&] { dry_run(options, 1, false); }), HasSubstr("unknown stage"));
}

}  // namespace
}  // namespace gsv3d
