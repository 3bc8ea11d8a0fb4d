// What a training will take: parameters counted on the meta device, activations against those of a real forward pass.
#include "training/dry_run.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "errors.h"
#include "toy_data.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/saved_activations.h"
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

TEST(SavedBytes, CountsWhatTheBackwardPassNeeds) {
  for (const at::Device device : {at::Device(at::kCPU), at::Device(at::kMeta)}) {
    const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
    const Tensor x = at::zeros({100, 10}, options).requires_grad_(true);
    // exp keeps its result; the sum's is 4 bytes. The product with 2 is gone when the sum is made.
    EXPECT_EQ(saved_bytes([&] { return std::vector<Tensor>{(x * 2).exp().sum()}; }), 4000 + 4) << device;
    EXPECT_EQ(saved_bytes([&] { return std::vector<Tensor>{(x.detach() * 2).exp().sum()}; }), 4) << device;
    // A view has no memory of its own.
    EXPECT_EQ(saved_bytes([&] { return std::vector<Tensor>{x.exp().view({10, 100})}; }), 4000) << device;
  }
}

/// A network as it is on the CPU leaves what the same on the meta device leaves.
TEST(SavedBytes, MetaNetworksAreAsLargeAsRealOnes) {
  const ModelConfig model = testing::toy_model();
  const auto unet_bytes = [&](const std::shared_ptr<nn::ParameterStore>& store, at::Device device) {
    const VideoUNet unet(model.unet, nn::Scope(store));
    store->set_requires_grad(true);
    const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
    VideoUNet::Input input;
    input.x = at::zeros({3, 8, 8, 8}, options);
    input.timesteps = at::zeros({3}, options);
    input.context = at::zeros({1, 1, 16}, options);
    input.y = at::zeros({3, 48}, options);
    input.frames = 3;
    return saved_bytes([&] { return std::vector<Tensor>{unet(input)}; });
  };
  const int64_t real = unet_bytes(nn::ParameterStore::random(1), at::kCPU),
                meta = unet_bytes(nn::ParameterStore::meta(), at::kMeta);
  EXPECT_GT(real, 100'000);
  EXPECT_NEAR(static_cast<double>(meta), static_cast<double>(real), 0.1 * static_cast<double>(real))
      << "attention on the CPU keeps its row sums otherwise";
}

TEST(DryRun, CountsTheParametersThatAStageTrains) {
  const testing::TemporaryFolder folder("dry-run-count");
  const StageContext context = testing::toy_context(folder.path);
  initialise_model(folder.path / "made", context.model, 1);
  StageContext made = context;
  made.model_folder = folder.path / "made";
  const auto expect_count = [&](const char* name, const auto& config, const auto& make, nn::LoraOptions lora = {}) {
    const TrainingPlan plan = plan_training(context.model, {name, config.trained_files(), 4, lora}, 2);
    EXPECT_EQ(plan.trained(), trained_bytes(*make(made, config))) << name;
    EXPECT_EQ(plan.items(), 2);
    EXPECT_GT(plan.activation_bytes, 0);
    EXPECT_EQ(plan.state_bytes(), 4 * plan.parameters() + 16 * plan.trained());
    EXPECT_EQ(plan.peak_bytes(false), plan.state_bytes() + 2 * plan.activation_bytes);
  };
  expect_count("vae", VaeStageConfig(), make_vae_stage);
  expect_count("diffusion", DiffusionStageConfig(), make_diffusion_stage);
  expect_count("decoder", DecoderStageConfig(), make_decoder_stage);
  const DistillStageConfig distill;
  expect_count("distill", distill, make_distill_stage, {distill.lora_rank, distill.lora_alpha, distill.lora_targets});
  EXPECT_THROW(plan_training(context.model, {"vae", VaeStageConfig().trained_files(), 4}, 3), Error) << "3 do not divide 4";
}

/// SV3D's parts as their public files have them, and the paper's ViT-B decoder.
TEST(DryRun, FullSizeHasTheKnownNumbersOfParameters) {
  const auto folder = std::filesystem::path(GSV3D_SOURCE_DIR) / "configs" / "full";
  const ModelConfig model = read_model_config(folder);
  EXPECT_EQ(model.frames, 16);
  TrainOptions options;
  options.model = folder;
  options.stage = "distill";
  options.config = folder / "train_distill.json";
  const auto config = config_from_json<DistillStageConfig>(read_json_file(options.config), "distill");
  const TrainingPlan plan = plan_training(
      model, {"distill", config.trained_files(), config.batch, {config.lora_rank, config.lora_alpha, config.lora_targets}}, 8);
  std::map<std::string, int64_t> counts;
  for (const auto& part : plan.parts) counts[part.name] = part.parameters;
  EXPECT_EQ(counts["unet"], 1'524'623'082) << "UNetSpatioTemporalConditionModel of SVD (diffusers) with SV3D's 1280-wide vector";
  EXPECT_EQ(counts["image_embedder"], 632'076'800) << "ViT-H/14 of OpenCLIP";
  EXPECT_EQ(counts["dino"], 86'580'480) << "ViT-B/14 of DINOv2";
  EXPECT_EQ(config.steps, 40'000);
  EXPECT_EQ(config.batch, 32);
  const auto decoder = config_from_json<DecoderStageConfig>(read_json_file(folder / "train_decoder.json"), "decoder");
  EXPECT_EQ(decoder.steps, 80'000);
  EXPECT_EQ(decoder.batch, 128);
  EXPECT_EQ(decoder.learning_rate, 1e-5);
}

TEST(DryRun, TellsAndTriesAStepOfEveryStage) {
  const auto configs = std::filesystem::path(GSV3D_SOURCE_DIR) / "configs" / "tiny";
  TrainOptions options;
  options.model = configs;
  for (const std::string stage : {"vae", "diffusion", "decoder", "distill"}) {
    options.stage = stage;
    options.config = configs / ("train_" + stage + ".json");
    const std::string text = dry_run(options, 1);
    EXPECT_THAT(text, HasSubstr("estimated peak")) << stage;
    EXPECT_THAT(text, HasSubstr("one step of 64 x 64 pixels on this CPU, random weights: loss ")) << stage;
  }
  options.stage = "text-to-nothing";
  EXPECT_THAT(testing::error_of([&] { dry_run(options, 1); }), HasSubstr("unknown stage"));
}

}  // namespace
}  // namespace gsv3d
