// All four stages in their order at toy size: an interrupted and resumed run must end with exactly the weights of an
// uninterrupted one.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <sstream>
#include <thread>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "dataset/shards.h"
#include "errors.h"
#include "toy_data.h"
#include "training/checkpoint.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/latent_cache.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

/// Passes everything on, and asks for an end after a number of steps, as Ctrl-C would.
class Interrupted : public Stage {
 public:
  Interrupted(std::unique_ptr<Stage> stage, int64_t last_step) : stage_(std::move(stage)), last_step_(last_step) {}
  std::string name() const override { return stage_->name(); }
  NamedTensors parameters() const override { return stage_->parameters(); }
  std::vector<std::string> part_names() const override { return stage_->part_names(); }
  Json settings() const override { return stage_->settings(); }
  StepLoss loss(int64_t step, uint64_t seed, const BatchShare& share) override {
    if (step == last_step_) request_cancel();
    return stage_->loss(step, seed, share);
  }
  std::vector<Preview> preview() override { return stage_->preview(); }
  Json export_weights(const std::filesystem::path& folder) override { return stage_->export_weights(folder); }

 private:
  std::unique_ptr<Stage> stage_;
  int64_t last_step_;
};

template <class Config>
Config six_steps() {
  Config config;
  config.steps = 6;
  config.batch = 2;
  config.warmup_steps = 2;
  config.log_steps = 2;
  config.learning_rate = 1e-3;
  return config;
}

/// What a later stage needs of an earlier one: its weights, whatever they are.
template <class Config, class Make>
void train_one_step(const StageContext& context, const Make& make, const std::filesystem::path& folder) {
  auto config = six_steps<Config>();
  config.steps = 1;
  const auto stage = make(context, config);
  run_training(*stage, config, testing::toy_run(context, config, folder / ("one-step-" + stage->name())));
}

/// The rows of metrics.csv without the columns that a clock decides.
std::vector<std::string> metrics_without_times(const std::filesystem::path& run) {
  std::istringstream lines(read_file(run / "metrics.csv"));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);) {
    const size_t step_end = line.find(','), rate_end = line.find(',', line.find(',', step_end + 1) + 1);
    rows.push_back(line.substr(0, step_end) + line.substr(rate_end));
  }
  EXPECT_EQ(rows.size(), 4u);  // the header and steps 2, 4, 6
  return rows;
}

template <class Config, class Make>
void expect_exact_resume(const StageContext& context, const Config& config, Make make, const std::filesystem::path& folder) {
  TrainRun run = testing::toy_run(context, config, folder / "interrupted");
  run.seed = 11;
  Interrupted interrupted(make(context, config), 2);
  EXPECT_THROW(run_training(interrupted, config, run), Cancelled);
  clear_cancel();
  EXPECT_EQ(load_checkpoint(run.folder / "checkpoint.safetensors").step, 3);
  const TrainSummary second = run_training(*make(context, config), config, run);
  EXPECT_EQ(second.first_step, 3);
  EXPECT_EQ(second.steps, 6);
  const TrainingCheckpoint resumed = load_checkpoint(run.folder / "checkpoint.safetensors");
  run = testing::toy_run(context, config, folder / "whole");
  run.seed = 11;
  run_training(*make(context, config), config, run);
  const TrainingCheckpoint whole = load_checkpoint(run.folder / "checkpoint.safetensors");
  ASSERT_FALSE(whole.parameters.empty());
  const auto start = make(context, config)->parameters();
  bool moved = false;
  for (const auto& [name, tensor] : whole.parameters) {
    EXPECT_TRUE(at::equal(tensor, resumed.parameters.at(name))) << name;
    EXPECT_TRUE(at::equal(whole.ema.at(name), resumed.ema.at(name))) << name;
    moved = moved || !at::equal(tensor, start.at(name));
  }
  EXPECT_TRUE(moved);
  EXPECT_EQ(metrics_without_times(folder / "interrupted"), metrics_without_times(folder / "whole"));
}

TEST(Stages, ResumeExactlyInTheirOrder) {
  const testing::TemporaryFolder folder("stages");
  StageContext context = testing::toy_context(folder.path);
  expect_exact_resume(context, six_steps<VaeStageConfig>(), make_vae_stage, folder.path / "vae");
  context.model.vae.scale_factor = read_json_file(context.model_folder / "config.json")["vae"]["scale_factor"].get<double>();
  expect_exact_resume(context, six_steps<DiffusionStageConfig>(), make_diffusion_stage, folder.path / "diffusion");
  expect_exact_resume(context, six_steps<DecoderStageConfig>(), make_decoder_stage, folder.path / "decoder");
  auto distill = six_steps<DistillStageConfig>();
  distill.p_mean = -1;  // low noise, so that the 3D loss takes part
  expect_exact_resume(context, distill, make_distill_stage, folder.path / "distill");
  for (const char* file : {"vae", "unet", "image_embedder", "gaussian_decoder", "dino", "distilled_lora"})
    EXPECT_TRUE(std::filesystem::exists(context.model_folder / (std::string(file) + ".safetensors"))) << file;
  EXPECT_EQ(read_model_config(context.model_folder).lora_rank, distill.lora_rank);
  const Model model = load_model(context.model_folder, {});  // the pipeline accepts what training wrote
  EXPECT_TRUE(model.distilled);
}

/// A set that stays in its shards, of which one orbit is kept in memory, makes every loss of a set in memory.
TEST(Stages, DataInItsShardsMakesTheSameNumbers) {
  const testing::TemporaryFolder folder("in-shards");
  StageContext memory = testing::toy_context(folder.path);
  ShardWriter writer(memory.data, "train", 2);
  for (const ObjectViews& views : testing::toy_views()) writer.add(views);
  writer.finish();
  memory.set = std::make_shared<const TrainingSet>(load_training_set({{memory.data, 1}}, true));
  StageContext shards = memory;
  shards.set = std::make_shared<const TrainingSet>(list_training_set({{memory.data, 1}}, true, 1));
  const auto expect_same = [&](const auto& config, const auto& make) {
    const auto from_memory = make(memory, config), from_shards = make(shards, config);
    const BatchShare share = BatchShare::all(config.batch);
    for (int64_t step = 0; step < 3; ++step) {
      from_shards->prefetch(step + 1, 5, share);
      const double expected = from_memory->loss(step, 5, share).loss.template item<double>();
      EXPECT_EQ(from_shards->loss(step, 5, share).loss.template item<double>(), expected) << from_memory->name() << " " << step;
    }
  };
  expect_same(six_steps<VaeStageConfig>(), make_vae_stage);
  train_one_step<VaeStageConfig>(memory, make_vae_stage, folder.path);
  expect_same(six_steps<DiffusionStageConfig>(), make_diffusion_stage);
  expect_same(six_steps<DecoderStageConfig>(), make_decoder_stage);
  auto config = six_steps<DecoderStageConfig>();
  config.encode_views = "on_the_fly";
  expect_same(config, make_decoder_stage);
  train_one_step<DiffusionStageConfig>(memory, make_diffusion_stage, folder.path);
  train_one_step<DecoderStageConfig>(memory, make_decoder_stage, folder.path);
  auto distill = six_steps<DistillStageConfig>();
  distill.p_mean = -1;
  expect_same(distill, make_distill_stage);
  expect_exact_resume(shards, six_steps<DecoderStageConfig>(), make_decoder_stage, folder.path / "resumed");
}

/// Loss and gradients of the first step, whose items come in so many batches.
std::pair<double, NamedTensors> gradients_in(Stage& stage, int64_t items, int64_t batches) {
  double loss = 0;
  for (int64_t i = 0; i < batches; ++i) {
    const Tensor part = stage.loss(0, 3, BatchShare::all(items).part(i, batches)).loss / static_cast<double>(batches);
    part.backward();
    loss += part.item<double>();
  }
  NamedTensors gradients;
  for (const auto& [name, parameter] : stage.parameters()) {
    if (parameter.grad().defined()) gradients[name] = parameter.grad();
    parameter.mutable_grad() = Tensor();
  }
  return {loss, gradients};
}

/// The largest difference in terms of the largest value.
double difference_of(const NamedTensors& a, const NamedTensors& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0, difference = 0;
  for (const auto& [name, tensor] : a) {
    largest = std::max(largest, tensor.abs().max().item<double>());
    difference = std::max(difference, (tensor - b.at(name)).abs().max().item<double>());
  }
  EXPECT_GT(largest, 0);
  return difference / largest;
}

/// Four items at once, and in two or four batches: the same means of losses and of gradients.
void expect_same_in_batches(Stage& stage) {
  const auto [loss, gradients] = gradients_in(stage, 4, 1);
  for (const int64_t batches : {2, 4}) {
    const auto [sum, parts] = gradients_in(stage, 4, batches);
    const double difference = difference_of(gradients, parts);
    printf("%s in %ld batches: gradients differ by %.2g of the largest\n", stage.name().c_str(), batches, difference);
    EXPECT_NEAR(sum, loss, 1e-6 * loss) << stage.name();
    EXPECT_LT(difference, 3e-6) << stage.name();  // measured: below 1e-6
  }
  EXPECT_GT(difference_of(gradients, gradients_in(stage, 2, 1).second), 1e-3) << "half of the items are another step";
}

StageContext made_context(const std::filesystem::path& folder) {
  StageContext context = testing::toy_context(folder);
  initialise_model(folder / "made", context.model, 1);
  context.model_folder = folder / "made";
  return context;
}

TEST(Stages, BatchesAddUpToAStep) {
  const testing::TemporaryFolder folder("accumulate");
  const StageContext context = made_context(folder.path);
  auto vae = six_steps<VaeStageConfig>();
  vae.l1_weight = 0, vae.recolor_probability = 0.5, vae.saturation_weight = 1;  // L1's slope jumps where rounding decides
  expect_same_in_batches(*make_vae_stage(context, vae));
  expect_same_in_batches(*make_diffusion_stage(context, six_steps<DiffusionStageConfig>()));
  auto decoder = six_steps<DecoderStageConfig>();
  decoder.surface_weight = 0.5, decoder.sampled_share = 0.75;
  expect_same_in_batches(*make_decoder_stage(context, decoder));
  auto distill = six_steps<DistillStageConfig>();
  distill.p_mean = 0, distill.condition_dropout = 0.5, distill.train_decoder = true;
  expect_same_in_batches(*make_distill_stage(context, distill));
}

/// Two batches of two are one of four for the trainer, too; Adam's first moments are the gradients of a first step.
TEST(Trainer, AccumulatesBatches) {
  const testing::TemporaryFolder folder("accumulating-trainer");
  const StageContext context = made_context(folder.path);
  auto config = six_steps<DecoderStageConfig>();
  config.steps = 1, config.gradient_clip = 0;
  const auto run_in = [&](int64_t batches, int64_t batch) {
    config.accumulate = batches, config.batch = batch;
    TrainRun run;
    run.folder = folder.path / fmt::format("{}-{}", batches, batch);
    const TrainSummary summary = run_training(*make_decoder_stage(context, config), config, run);
    return std::pair(load_checkpoint(checkpoint_path(run.folder)), summary.last_loss);
  };
  const auto [whole, loss] = run_in(1, 4);
  const auto [parts, sum] = run_in(2, 2);
  EXPECT_EQ(parts.settings_fingerprint, whole.settings_fingerprint) << "a run may go on either way";
  EXPECT_LT(difference_of(whole.adam_means, parts.adam_means), 1e-6);
  EXPECT_NEAR(sum, loss, 1e-6 * loss);
  EXPECT_NE(run_in(1, 2).first.settings_fingerprint, whole.settings_fingerprint);
}

/// More orbits than one file of latents holds: kept in memory, or mapped.
TEST(LatentCache, IsMadeFileByFileAndGoesOnWhereItStopped) {
  const testing::TemporaryFolder folder("latents");
  StageContext context = made_context(folder.path);
  constexpr int64_t orbits = LatentCache::kOrbitsPerFile + 6;
  ShardWriter writer(context.data, "train", 16);
  for (int64_t i = 0; i < orbits; ++i)
    writer.add(testing::ball_views(fmt::format("ball {}", i), 0.2 + 0.004 * static_cast<double>(i), 10, 32, 3, 1));
  writer.finish();
  context.set = std::make_shared<const TrainingSet>(list_training_set({{context.data, 1}}, false, 1 << 20));
  const LatentCache mapped(context, {});
  const auto latents = context.data / ("latents-" + fingerprint_text(mapped.fingerprint()));
  const auto last = latents / "000001.safetensors";
  const std::string bytes = read_file(last), first = read_file(latents / "000000.safetensors");
  std::filesystem::remove(last);
  const auto written = std::filesystem::last_write_time(latents / "000000.safetensors");
  const LatentCache again(context, {});
  EXPECT_TRUE(read_file(last) == bytes) << "the missing one was made, the same";
  EXPECT_EQ(std::filesystem::last_write_time(latents / "000000.safetensors"), written) << "the other was left alone";
  StageContext memory = context;
  memory.set = std::make_shared<const TrainingSet>(load_training_set({{context.data, 1}}, false));
  const LatentCache kept(memory, {});
  const std::vector<Clip> clips = {{.orbit = orbits - 1, .start = 1, .mirrored = true}, {.orbit = 3}, {.orbit = 64, .start = 2}};
  const Tensor expected = kept.clip_latents(clips, {}, 3);
  EXPECT_EQ(expected.sizes(), (std::vector<int64_t>{3, 3, 4, 8, 8}));
  EXPECT_TRUE(at::equal(mapped.clip_latents(clips, {}, 3), expected));
  EXPECT_FALSE(at::equal(expected[0], expected[1]));
  write_safetensors(last, {{"latents", at::zeros({5, 2, 3, 4, 8, 8})}});
  EXPECT_NE(testing::error_of([&] { LatentCache(context, {}); }).find("000001.safetensors: does not fit the data"),
            std::string::npos);
}

TEST(Stages, RecolouredClipsNeedAnEncoder) {
  const testing::TemporaryFolder folder("recolor");
  const StageContext context = testing::toy_context(folder.path);
  train_one_step<VaeStageConfig>(context, make_vae_stage, folder.path);
  auto config = six_steps<DecoderStageConfig>();
  config.recolor_probability = 0.6;
  EXPECT_THROW(make_decoder_stage(context, config), Error);
  config.encode_views = "on_the_fly";
  expect_exact_resume(context, config, make_decoder_stage, folder.path / "decoder");
}

/// Everything that is off by default, at once: the sampler's noise levels, its own states, given photo frames, photo patches,
/// joint attention, balanced gradients.
TEST(Stages, DiffusionForTheSamplersOwnStepsResumesExactly) {
  const testing::TemporaryFolder folder("few-steps");
  StageContext context = testing::toy_context(folder.path);
  context.model.unet.joint_attention = true;
  context.model.image_embedder.patch_tokens = true;
  context.model.sampler.clean_photo_frame = true;
  context.model.sampler.steps = 3, context.model.sampler.sigma_min = 0.2, context.model.sampler.sigma_max = 80;
  write_json_file(context.model_folder / "config.json", config_to_json(context.model));
  train_one_step<VaeStageConfig>(context, make_vae_stage, folder.path);
  train_one_step<DecoderStageConfig>(context, make_decoder_stage, folder.path);
  auto diffusion = six_steps<DiffusionStageConfig>();
  diffusion.sampler_share = 0.7, diffusion.max_loss_weight = 20, diffusion.preview_steps = 0;
  expect_exact_resume(context, diffusion, make_diffusion_stage, folder.path / "diffusion");
  auto distill = six_steps<DistillStageConfig>();
  distill.sampler_share = 0.9, distill.first_share = 0.2, distill.on_policy = 0.5, distill.condition_dropout = 0;
  distill.balance_gradients = true, distill.lambda_3d = 0.5;
  expect_exact_resume(context, distill, make_distill_stage, folder.path / "distill");
}

/// The balanced sum has the gradients of a plain one with that weight, and the weight is the ratio of the gradients' norms.
TEST(DistillStage, BalancesGradients) {
  const testing::TemporaryFolder folder("balance");
  const StageContext context = testing::toy_context(folder.path);
  train_one_step<VaeStageConfig>(context, make_vae_stage, folder.path);
  train_one_step<DiffusionStageConfig>(context, make_diffusion_stage, folder.path);
  train_one_step<DecoderStageConfig>(context, make_decoder_stage, folder.path);
  auto config = six_steps<DistillStageConfig>();
  config.p_mean = -1, config.condition_dropout = 0, config.train_decoder = true;
  const auto gradients = [&](const DistillStageConfig& settings, double* weight) {
    const auto stage = make_distill_stage(context, settings);
    const StepLoss loss = stage->loss(0, 3, BatchShare::all(config.batch));
    loss.loss.backward();
    for (const auto& [name, value] : loss.parts)
      if (name == "weight_3d") *weight = value.item<double>();
    NamedTensors result;
    for (const auto& [name, parameter] : stage->parameters())
      result[name] = parameter.grad().defined() ? parameter.grad().clone() : at::zeros_like(parameter);
    return result;
  };
  double balanced_weight = 0, plain_weight = 0;
  config.balance_gradients = true, config.lambda_3d = 0.25;
  const NamedTensors balanced = gradients(config, &balanced_weight);
  EXPECT_GT(balanced_weight, 0);
  config.balance_gradients = false, config.lambda_3d = balanced_weight;
  const NamedTensors plain = gradients(config, &plain_weight);
  double largest = 0;
  for (const auto& [name, gradient] : plain) largest = std::max(largest, gradient.abs().max().item<double>());
  for (const auto& [name, gradient] : plain)
    EXPECT_LE((gradient - balanced.at(name)).abs().max().item<double>(), 1e-4 * largest)
        << name;  // float32 sums in another order
}

TEST(Stages, OtherSettingsAreNotResumed) {
  const testing::TemporaryFolder folder("settings");
  const StageContext context = testing::toy_context(folder.path);
  auto config = six_steps<VaeStageConfig>();
  config.steps = 1;
  TrainRun run;
  run.folder = folder.path / "run";
  run_training(*make_vae_stage(context, config), config, run);
  config.steps = 2;  // longer: fine
  EXPECT_EQ(run_training(*make_vae_stage(context, config), config, run).first_step, 1);
  config.kl_weight = 1;
  EXPECT_THROW(run_training(*make_vae_stage(context, config), config, run), Error);
  run.resume = false;
  EXPECT_EQ(run_training(*make_vae_stage(context, config), config, run).first_step, 0);
}

TEST(Stages, MissingEarlierStageIsNamed) {
  const testing::TemporaryFolder folder("missing");
  const StageContext context = testing::toy_context(folder.path);
  try {
    make_diffusion_stage(context, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("gsv3d train vae"), std::string::npos) << error.what();
  }
}

/// By how much a decoder's loss on one clip of a ball falls within so many steps.
double learned_factor(const std::function<void(GaussianDecoderConfig&)>& change, int64_t steps) {
  const testing::TemporaryFolder folder("decoder-learns");
  StageContext context = testing::toy_context(folder.path);
  change(context.model.gaussian_decoder);
  context.set = std::make_shared<const TrainingSet>(make_training_set({testing::ball_views("ball", 0.45, 10, 32)}, true));
  const auto store = nn::ParameterStore::random(1);
  const AutoencoderEncoder encoder(context.model.vae, nn::Scope(store));
  const AutoencoderDecoder decoder(context.model.vae, nn::Scope(store));
  export_parameters(context.model_folder / "vae.safetensors", store->parameters());
  context.model.vae.scale_factor = 5;  // of that untrained encoder's latents
  DecoderStageConfig config;
  config.steps = steps;
  config.batch = 1;
  config.front_probability = 1;  // always the same clip
  config.mirror_probability = 0;
  config.latent_noise = 0;
  config.warmup_steps = 5;
  config.learning_rate = 4e-3;
  const auto stage = make_decoder_stage(context, config);
  const double before = stage->loss(0, 99, BatchShare::all(config.batch)).loss.item<double>();
  TrainRun run;
  run.folder = folder.path / "run";
  run_training(*stage, config, run);
  const double after = stage->loss(0, 99, BatchShare::all(config.batch)).loss.item<double>();
  printf("decoder loss %.4f -> %.4f\n", before, after);
  return before / after;
}

TEST(DecoderStage, LearnsABall) {
  EXPECT_GT(learned_factor([](auto&) {}, 100), 1.8) << "measured: 2.2 times less after 100 steps, 8 times after 800";
}

TEST(DecoderStage, RelativesLearnABall) {
  EXPECT_GT(learned_factor([](auto& decoder) { decoder.triplane = {.side = 4, .point_tokens = 32, .points_per_token = 8}; }, 100),
            1.8);
  EXPECT_GT(learned_factor([](auto& decoder) { decoder.pixel_aligned = {.views = 2, .widths = {16}, .output_level = 1}; }, 100),
            1.8);
}

/// The relatives go through the same stage, and what it wrote is a model that the pipeline takes.
TEST(Stages, RelativesResumeExactly) {
  const testing::TemporaryFolder folder("relatives");
  StageContext context = testing::toy_context(folder.path);
  train_one_step<VaeStageConfig>(context, make_vae_stage, folder.path);
  for (const bool triplane : {true, false}) {
    if (triplane) context.model.gaussian_decoder.triplane = {.side = 4, .point_tokens = 8, .points_per_token = 4};
    if (!triplane)
      context.model.gaussian_decoder.triplane.reset(),
          context.model.gaussian_decoder.pixel_aligned = {.views = 2, .widths = {16}};
    write_json_file(context.model_folder / "config.json", config_to_json(context.model));
    expect_exact_resume(context, six_steps<DecoderStageConfig>(), make_decoder_stage, folder.path / (triplane ? "one" : "few"));
    EXPECT_TRUE(load_model(context.model_folder, {}).gaussian_decoder.has_value());
  }
}

/// A loss that is not finite in some steps.
class Diverging : public Stage {
 public:
  explicit Diverging(std::function<bool(int64_t)> bad) : bad_(std::move(bad)), weight_(at::ones({2, 2}).requires_grad_(true)) {}
  std::string name() const override { return "diverging"; }
  NamedTensors parameters() const override { return {{"weight", weight_}}; }
  std::vector<std::string> part_names() const override { return {}; }
  Json settings() const override { return {}; }
  StepLoss loss(int64_t step, uint64_t, const BatchShare&) override {
    const double factor = bad_(step) ? std::numeric_limits<double>::quiet_NaN() : 1.0;
    return {weight_.square().sum() * factor, {}};
  }
  std::vector<Preview> preview() override { return {}; }
  Json export_weights(const std::filesystem::path&) override { return Json::object(); }

 private:
  std::function<bool(int64_t)> bad_;
  Tensor weight_;
};

TEST(Trainer, LeavesOutStepsThatAreNotFinite) {
  const testing::TemporaryFolder folder("nan");
  TrainerConfig config;
  config.steps = 40;
  // 1: as on the CPU. 7: as on a GPU, where the loop looks at the loss now and then only.
  std::vector<Tensor> weights;
  for (const int64_t read_back_steps : {1, 7}) {
    TrainRun run;
    run.read_back_steps = read_back_steps;
    run.folder = folder.path / fmt::format("some-{}", read_back_steps);
    Diverging sometimes([](int64_t step) { return step % 2 == 1; });
    const TrainSummary summary = run_training(sometimes, config, run);
    EXPECT_EQ(summary.steps, 40);
    EXPECT_EQ(summary.skipped, 20);
    EXPECT_EQ(load_checkpoint(run.folder / "checkpoint.safetensors").updates, 20);
    weights.push_back(sometimes.parameters().at("weight").detach().clone());
    EXPECT_TRUE(at::isfinite(weights.back()).all().item<bool>());
    run.folder = folder.path / fmt::format("all-{}", read_back_steps);
    Diverging always([](int64_t step) { return step >= 5 && step < 25; });
    EXPECT_THROW(run_training(always, config, run), Error) << "the row of 20 is noticed even when it is over";
    run.folder = folder.path / fmt::format("almost-{}", read_back_steps);
    Diverging almost([](int64_t step) { return step >= 5 && step < 24; });
    EXPECT_EQ(run_training(almost, config, run).skipped, 19);
  }
  EXPECT_TRUE(at::equal(weights[0], weights[1]));
}

TEST(Trainer, EndsInTimeWithTheScheduleDone) {
  const testing::TemporaryFolder folder("seconds");
  TrainerConfig config;
  config.learning_rate = 1;
  config.final_learning_rate = 0;
  config.warmup_steps = 0;
  config.log_steps = 1;
  TrainRun run;
  run.folder = folder.path / "run";
  run.seconds = 1.5;
  Diverging stage([](int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return false;
  });
  const TrainSummary summary = run_training(stage, config, run);
  EXPECT_GT(summary.seconds, 1.2);
  EXPECT_LT(summary.seconds, 1.9) << "0.1 more on an idle machine, if at all";
  std::istringstream lines(read_file(run.folder / "metrics.csv"));
  std::string line, last;
  while (std::getline(lines, line)) last = line;
  std::vector<std::string> cells;
  std::istringstream row(last);
  for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
  EXPECT_LT(std::stod(cells.at(4)), 0.02) << "learning rate of the last step: " << last;
}

}  // namespace
}  // namespace gsv3d
