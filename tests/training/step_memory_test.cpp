// What makes a step fit into memory: networks that keep their blocks' inputs alone. Gradients stay what they are.
#include <gtest/gtest.h>

#include <functional>

#include "nn/recompute.h"
#include "toy_data.h"
#include "training/activation_bytes.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

constexpr int64_t kBatch = 4;

struct Sums {
  double loss = 0;
  NamedTensors gradients;
  std::vector<std::pair<std::string, double>> parts;
};

/// A step's loss, log and gradients.
Sums step_of(Stage& stage, bool recompute) {
  const nn::Recomputation recomputation(recompute);
  const StepLoss step = stage.loss(0, 3, BatchShare::all(kBatch));
  step.loss.backward();
  Sums sums{step.loss.item<double>(), {}, {}};
  for (const auto& [name, part] : step.parts) sums.parts.emplace_back(name, part.item<double>());
  for (const auto& [name, parameter] : stage.parameters()) {
    if (parameter.grad().defined()) sums.gradients[name] = parameter.grad().clone();
    parameter.mutable_grad() = Tensor();
  }
  return sums;
}

/// Differences are measured against the largest gradient of the stage: rounding makes noise where a gradient is nearly nothing.
void expect_same(const Sums& a, const Sums& b, const std::string& what) {
  EXPECT_NEAR(a.loss, b.loss, 1e-6 * std::abs(a.loss)) << what;
  for (size_t i = 0; i < a.parts.size(); ++i)
    EXPECT_NEAR(a.parts[i].second, b.parts[i].second, 1e-5 * std::max(1e-3, std::abs(a.parts[i].second)))
        << what << " " << a.parts[i].first;
  ASSERT_EQ(a.gradients.size(), b.gradients.size()) << what;
  double largest = 0, difference = 0;
  for (const auto& [name, gradient] : a.gradients) {
    largest = std::max(largest, gradient.abs().max().item<double>());
    difference = std::max(difference, (gradient - b.gradients.at(name)).abs().max().item<double>());
  }
  EXPECT_GT(largest, 1e-4) << what;
  EXPECT_LE(difference, 2e-5 * largest) << what;
}

template <class Config>
Config of_four(Config config) {
  config.batch = kBatch, config.steps = 1;
  return config;
}

/// Weights of every network that stages build upon.
StageContext with_weights(const std::filesystem::path& folder) {
  StageContext context = testing::toy_context(folder);
  const auto made = folder / "made";
  initialise_model(made, context.model, 1);
  std::filesystem::remove_all(context.model_folder);
  std::filesystem::rename(made, context.model_folder);
  return context;
}

/// All stages that train a network of the method, with settings under which every part of their loss counts.
void for_each_stage(const StageContext& context, const std::function<void(Stage&, const std::string&)>& check) {
  auto vae = of_four(VaeStageConfig());
  vae.foreground_weight = 3, vae.saturation_weight = 2;
  check(*make_vae_stage(context, vae), "vae");
  check(*make_diffusion_stage(context, of_four(DiffusionStageConfig())), "diffusion");
  check(*make_decoder_stage(context, of_four(DecoderStageConfig())), "decoder");
  auto distill = of_four(DistillStageConfig());
  distill.p_mean = -1, distill.train_decoder = true, distill.condition_dropout = 0.4;
  check(*make_distill_stage(context, distill), "distill");
}

TEST(StepMemory, RecomputedBlocksMakeTheSameGradients) {
  const testing::TemporaryFolder folder("recompute");
  const StageContext context = with_weights(folder.path);
  const auto check = [](Stage& stage, const std::string& name) {
    expect_same(step_of(stage, false), step_of(stage, true), name);
  };
  for_each_stage(context, check);
  auto balanced = of_four(DistillStageConfig());
  balanced.p_mean = -1, balanced.train_decoder = true, balanced.balance_gradients = true;
  const auto stage = make_distill_stage(context, balanced);
  expect_same(step_of(*stage, false), step_of(*stage, true), "balanced");
}

TEST(ActivationBytes, CountsWhatTheBackwardPassNeeds) {
  const Tensor x = at::zeros({100, 10}).requires_grad_(true);
  const auto of = [](const std::function<Tensor()>& forward) {
    return activation_bytes([&] { return std::vector<Tensor>{forward()}; });
  };
  // exp keeps its result; the sum's is 4 bytes. The product with 2 is gone when the sum is made.
  const ActivationBytes trained = of([&] { return (x * 2).exp().sum(); });
  EXPECT_EQ(trained.kept, 4000 + 4);
  EXPECT_GE(trained.passing, 4000);
  EXPECT_LE(trained.passing, 4000 + 16) << "and the number 2";
  EXPECT_EQ(of([&] { return (x.detach() * 2).exp().sum(); }).kept, 4);
  EXPECT_EQ(of([&] { return x.exp().view({10, 100}); }).kept, 4000) << "a view has no memory of its own";
  EXPECT_GE(of([&] { return (x.detach() * 2).exp().sum(); }).passing, 8000) << "the product is there while exp is made";
  const Tensor y = at::zeros({50}).requires_grad_(true);
  EXPECT_EQ(of([&] { return y.exp(); }).kept, 200);
}

/// A UNet of some depth leaves a small part of what it would leave.
TEST(StepMemory, RecomputedUNetLeavesLittle) {
  ModelConfig model = testing::toy_model();
  model.unet.model_channels = 32, model.unet.channel_mult = {1, 2, 2}, model.unet.attention_resolutions = {1, 2, 4};
  const auto store = nn::ParameterStore::random(1);
  const VideoUNet unet(model.unet, nn::Scope(store));
  store->set_requires_grad(true);
  VideoUNet::Input input;
  input.x = at::zeros({3, 8, 16, 16});
  input.timesteps = at::zeros({3});
  input.context = at::zeros({1, 1, 16});
  input.y = at::zeros({3, 48});
  input.frames = 3;
  const auto left = [&](bool recompute) {
    const nn::Recomputation recomputation(recompute);
    return activation_bytes([&] { return std::vector<Tensor>{unet(input)}; });
  };
  const ActivationBytes all = left(false), inputs = left(true);
  printf("a UNet keeps %.2f MB, recomputed %.2f MB and at most %.2f MB more on the way\n", static_cast<double>(all.kept) / 1e6,
         static_cast<double>(inputs.kept) / 1e6, static_cast<double>(inputs.passing) / 1e6);
  EXPECT_LT(inputs.kept, all.kept / 4);
  EXPECT_LT(inputs.peak(), all.peak() / 2) << "with one block's own";
}

}  // namespace
}  // namespace gsv3d
