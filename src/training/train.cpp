#include "training/train.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

#include "core/error.h"
#include "core/job_place.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/resident_memory.h"
#include "models/memory_plan.h"
#include "nn/recompute.h"
#include "training/checkpoint.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/dry_run.h"
#include "training/latent_cache.h"
#include "training/optimizer.h"
#include "training/shard_follower.h"
#include "training/stage_context.h"
#include "training/text_stage.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

/// A stage whose settings are read and checked, before there is data for it.
struct ConfiguredStage {
  TrainerConfig trainer;
  std::vector<TrainedFile> files;
  std::function<std::unique_ptr<Stage>(StageContext)> make;
  nn::LoraOptions lora;  ///< where it trains one
  bool clips = false;    ///< its items are clips, not images
  bool samples = false;  ///< some of its clips are made by the diffusion model
};

struct StageEntry {
  std::string name;
  bool needs_depth;
  std::function<ConfiguredStage(const TrainOptions&)> configure;
};

template <class Config>
StageEntry entry(const std::string& name, bool needs_depth, std::unique_ptr<Stage> (*make)(StageContext, const Config&)) {
  return {name, needs_depth, [make](const TrainOptions& options) -> ConfiguredStage {
            const std::string where = options.config.string();
            auto config = config_from_json<Config>(read_json_file(options.config), where);
            if (options.steps) config.steps = *options.steps;
            check_settings(config, where);
            if constexpr (std::is_base_of_v<ClipTrainerConfig, Config>) check_encode_views(config, options.follow);
            if constexpr (requires { config.balance_gradients; })
              require(config.accumulate == 1 || !config.balance_gradients,
                      "{}: balance_gradients weighs the losses of a whole step, so \"accumulate\" must be 1", where);
            ConfiguredStage stage{config,
                                  config.trained_files(),
                                  [make, config](StageContext context) { return make(std::move(context), config); },
                                  {}};
            stage.clips = std::is_base_of_v<ClipTrainerConfig, Config>;
            if constexpr (requires { config.lora_rank; }) stage.lora = {config.lora_rank, config.lora_alpha, config.lora_targets};
            if constexpr (requires { config.sampled_share; }) stage.samples = config.sampled_share > 0;
            return stage;
          }};
}

const std::vector<StageEntry>& entries() {
  static const std::vector<StageEntry> all = {entry("vae", false, make_vae_stage),
                                              entry("diffusion", false, make_diffusion_stage),
                                              entry("decoder", true, make_decoder_stage),
                                              entry("distill", true, make_distill_stage), entry("text", false, make_text_stage)};
  return all;
}

at::ScalarType training_dtype(const std::string& name, const at::Device& device) {
  if (name == "auto") return prefers_bfloat16(device) ? at::kBFloat16 : at::kFloat;
  const at::ScalarType dtype = parse_dtype(name);
  // fp16 would need loss scaling; bf16 has float32's range.
  if (dtype == at::kHalf) throw UsageError("training runs in fp32 or bf16, not in fp16");
  return dtype;
}

/// Each process of a machine takes a GPU of its own, unless the option names one.
at::Device training_device(const std::string& name, const JobPlace& place) {
  const at::Device device = parse_device(name);
  if (place.size == 1 || !device.is_cuda() || (name != "auto" && name != "cuda")) return device;
  return parse_device(fmt::format("cuda:{}", place.local_rank));
}

/// Every step allocates the same large tensors. glibc gives such memory back to the system at once and takes it again, page by
/// page, which costs up to a fifth of a step at tiny size; here it is kept.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest value that glibc accepts
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

/// Waits for the first shard.
void start_following(ShardFollower& follower, TrainingSet& set) {
  spdlog::info("waiting for the first shard");
  while (set.empty()) {
    follower.wait();
    follower.extend(set);
    require(!set.empty() || !follower.finished(), "the training data holds no object");
  }
}

/// Called between steps.
void take_in(ShardFollower& follower, TrainingSet& set) {
  const int64_t more = follower.extend(set);
  if (more > 0)
    spdlog::info("training data: {} more orbits, {} in all{}", more, set.size(), follower.finished() ? ", complete" : "");
}

/// How much of the views each process of this machine may keep in its memory.
int64_t data_bytes(const TrainOptions& options, const JobPlace& place) {
  constexpr int64_t part = 4;  // reading a set takes twice its bytes for a moment, and training is to have the rest
  if (options.data_bytes) return *options.data_bytes;
  const auto whole = whole_memory_bytes();
  return whole ? *whole / part / place.local_size : std::numeric_limits<int64_t>::max();
}

/// In memory where it fits, else in its shards.
TrainingSet fitted_set(const TrainOptions& options, bool with_depth, int64_t most_bytes) {
  TrainingSet listed = list_training_set(options.data, with_depth, most_bytes);
  if (listed.decoded_bytes() <= most_bytes) return load_training_set(options.data, with_depth);
  constexpr double gigabyte = 1e9;
  spdlog::info("training data: {:.3g} GB of views stay in their shards, {:.3g} GB are kept in memory (--data-memory)",
               static_cast<double>(listed.decoded_bytes()) / gigabyte, static_cast<double>(most_bytes) / gigabyte);
  return listed;
}

/// All data, or, with a follower, what is there of it.
std::shared_ptr<TrainingSet> read_data(const TrainOptions& options, bool with_depth, const JobPlace& place, at::Device device,
                                       std::unique_ptr<ShardFollower>& follower) {
  if (!options.follow) {
    auto set = std::make_shared<TrainingSet>(fitted_set(options, with_depth, data_bytes(options, place)));
    set->to(device);
    return set;
  }
  std::vector<double> weights;
  for (const DataFolder& folder : options.data) weights.push_back(folder.weight);
  auto set = std::make_shared<TrainingSet>(weights, with_depth);
  set->set_grows();
  set->to(device);
  follower = std::make_unique<ShardFollower>(options.data, with_depth);
  start_following(*follower, *set);
  return set;
}

const StageEntry& entry_of(const std::string& name) {
  const auto found = std::find_if(entries().begin(), entries().end(), [&](const auto& stage) { return stage.name == name; });
  if (found == entries().end())
    throw UsageError(fmt::format("unknown stage \"{}\": use one of {}", name, fmt::join(training_stages(), ", ")));
  return *found;
}

PlannedStage planned(const TrainOptions& options, const ConfiguredStage& stage) {
  return {options.stage, stage.files,   stage.trainer.batch,      options.recompute,
          stage.lora,    stage.samples, stage.trainer.accumulate, options.share_moments};
}

/// A folder below the system's temporary one that goes away with the object.
struct Scratch {
  std::filesystem::path path;
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "gsv3d-dry-run-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr, "cannot write to folder {}", std::filesystem::temp_directory_path().string());
    path = name;
  }
  ~Scratch() {
    std::error_code none;
    std::filesystem::remove_all(path, none);
  }
};

/// The stage with one item per batch and nothing that needs files of its own.
ConfiguredStage for_rehearsal(const StageEntry& entry, TrainOptions options, const std::filesystem::path& folder) {
  Json config = read_json_file(options.config);
  config["batch"] = config["accumulate"] = 1;
  config["initial_weights"] = "random";
  if (entry.configure(options).clips) config["encode_views"] = "on_the_fly";
  if (config.contains("sampled_share")) config["sampled_share"] = 0;
  options.config = folder / "settings.json";
  write_json_file(options.config, config);
  return entry.configure(options);
}

/// One step of the optimiser on pictures as small as the networks take, with random weights. → a line about it.
std::string rehearse(const StageEntry& entry, const TrainOptions& options, const ModelConfig& model) {
  const Scratch scratch;
  const ConfiguredStage configured = for_rehearsal(entry, options, scratch.path);
  StageContext context;
  context.model = with_smallest_pictures(model);
  const TrainingPlan plan = plan_training(context.model, planned(options, configured), 1);
  constexpr int64_t stored = 2;  // bytes per number of the files, which the cache of the system holds
  const int64_t needed = plan.peak_bytes(false) + stored * plan.parameters(), free = available_memory().value_or(needed);
  const std::string size = fmt::format("{} x {} pixels", context.model.image_size, context.model.image_size);
  if (needed > free * 4 / 5)
    return fmt::format("no step was tried: one item of {} takes {:.1f} GB, {:.1f} GB are free\n", size,
                       static_cast<double>(needed) / 1e9, static_cast<double>(free) / 1e9);
  context.model_folder = scratch.path / "model";
  initialise_model(context.model_folder, context.model, /*seed=*/1);
  context.data = scratch.path;
  context.set = std::make_shared<TrainingSet>(
      make_training_set(made_up_views(context.model.image_size, context.model.frames), entry.needs_depth));
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<Stage> made = configured.make(context);
  AdamW optimizer(made->parameters(), {});
  const nn::Recomputation recomputation(options.recompute);
  const StepLoss loss = made->loss(0, options.seed, BatchShare::all(1));
  loss.loss.backward();
  const AdamW::Outcome outcome = optimizer.step(configured.trainer.learning_rate, loss.loss);
  require(outcome.good.item<float>() == 1, "the loss {} or its gradient is not finite", loss.loss.item<double>());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return fmt::format("one step of {} on this CPU, random weights: loss {:.4g}, gradient {:.3g}, {:.1f} s\n", size,
                     loss.loss.item<double>(), outcome.gradient_norm.item<double>(), seconds);
}

}  // namespace

const std::vector<std::string>& training_stages() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const StageEntry& stage : entries()) result.push_back(stage.name);
    return result;
  }();
  return names;
}

std::string dry_run(const TrainOptions& options, int64_t processes, bool tries_step) {
  const StageEntry& entry = entry_of(options.stage);
  const ConfiguredStage configured = entry.configure(options);
  const ModelConfig model = read_model_config(options.model);
  const std::string text = plan_text(plan_training(model, planned(options, configured), processes));
  return tries_step ? text + rehearse(entry, options, model) : text;
}

TrainSummary train(const TrainOptions& options) {
  const StageEntry& stage = entry_of(options.stage);
  if (options.steps && *options.steps <= 0) throw UsageError("--steps must be positive");
  if (options.minutes && *options.minutes <= 0) throw UsageError("--minutes must be positive");
  if (options.seconds && *options.seconds <= 0) throw UsageError("--seconds must be positive");
  if (options.data.empty()) throw UsageError("--data is missing");
  if (options.run.empty()) throw UsageError("--run is missing");
  if (options.follow && options.data_bytes) throw UsageError("--follow reads all data into memory: without --data-memory");

  const ConfiguredStage configured = stage.configure(options);
  keep_freed_memory();
  TrainRun run;
  run.folder = options.run;
  run.seed = options.seed;
  run.minutes = options.minutes;
  run.seconds = options.seconds;
  run.resume = options.resume;
  run.share_moments = options.share_moments;
  const JobPlace place = job_place();
  run.device = training_device(options.device, place);
  prefer_speed(run.device);
  run.dtype = training_dtype(options.dtype, run.device);
  if (run.minutes || run.seconds)
    spdlog::info("--minutes, --seconds: the schedule follows the clock, so this run is not bit-reproducible");

  StageContext context;
  context.model_folder = options.model;
  context.model = read_model_config(options.model);
  run.group = context.group = join_group(place, run.device);
  const BatchShare share = run.group->share(configured.trainer.batch);
  if (place.size > 1)
    spdlog::info("{} processes ({}, {}), {} of {} items of a batch each", place.size, place.source, group_engines(), share.count,
                 share.whole);
  if (configured.trainer.accumulate > 1)
    spdlog::info("{} batches of {} items make a step of {}", configured.trainer.accumulate, share.whole,
                 configured.trainer.items_per_step());
  const bool resumes = run.resume && std::filesystem::exists(checkpoint_path(run.folder));
  run.update = std::make_shared<ModelUpdate>(options.model, run.folder, configured.files, resumes, options.replace);
  context.data = options.data[0].path;
  context.seed = options.seed;
  context.device = run.device;
  context.dtype = run.dtype;
  std::unique_ptr<ShardFollower> follower;
  const auto set = read_data(options, stage.needs_depth, place, run.device, follower);
  if (follower) run.between_steps = [&] { take_in(*follower, *set); };
  spdlog::info("train {}: {} orbits of {} groups, {} pixels, {} on {}", options.stage, set->size(), set->group_count(),
               set->image_size(), dtype_name(run.dtype), run.device.str());
  context.set = set;
  const nn::Recomputation recomputation(options.recompute);
  return run_training(*configured.make(std::move(context)), configured.trainer, run);
}

}  // namespace gsv3d
