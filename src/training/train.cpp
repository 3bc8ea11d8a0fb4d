#include "training/train.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <functional>
#include <limits>

#include "core/error.h"
#include "core/job_place.h"
#include "core/log.h"
#include "core/progress.h"
#include "training/checkpoint.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/latent_cache.h"
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
            return {config, config.trained_files(),
                    [make, config](StageContext context) { return make(std::move(context), config); }};
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

/// All data, or, with a follower, what is there of it.
std::shared_ptr<TrainingSet> read_data(const TrainOptions& options, bool with_depth, at::Device device,
                                       std::unique_ptr<ShardFollower>& follower) {
  if (!options.follow) {
    auto set = std::make_shared<TrainingSet>(load_training_set(options.data, with_depth));
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

}  // namespace

const std::vector<std::string>& training_stages() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const StageEntry& stage : entries()) result.push_back(stage.name);
    return result;
  }();
  return names;
}

TrainSummary train(const TrainOptions& options) {
  const auto found =
      std::find_if(entries().begin(), entries().end(), [&](const auto& stage) { return stage.name == options.stage; });
  if (found == entries().end())
    throw UsageError(fmt::format("unknown stage \"{}\": use one of {}", options.stage, fmt::join(training_stages(), ", ")));
  if (options.steps && *options.steps <= 0) throw UsageError("--steps must be positive");
  if (options.minutes && *options.minutes <= 0) throw UsageError("--minutes must be positive");
  if (options.seconds && *options.seconds <= 0) throw UsageError("--seconds must be positive");
  if (options.data.empty()) throw UsageError("--data is missing");

  const ConfiguredStage configured = found->configure(options);
  keep_freed_memory();
  TrainRun run;
  run.folder = options.run;
  run.seed = options.seed;
  run.minutes = options.minutes;
  run.seconds = options.seconds;
  run.resume = options.resume;
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
  const bool resumes = run.resume && std::filesystem::exists(checkpoint_path(run.folder));
  run.update = std::make_shared<ModelUpdate>(options.model, run.folder, configured.files, resumes, options.replace);
  context.data = options.data[0].path;
  context.seed = options.seed;
  context.device = run.device;
  context.dtype = run.dtype;
  std::unique_ptr<ShardFollower> follower;
  const auto set = read_data(options, found->needs_depth, run.device, follower);
  if (follower) run.between_steps = [&] { take_in(*follower, *set); };
  spdlog::info("train {}: {} orbits of {} groups, {} pixels, {} on {}", options.stage, set->size(), set->group_count(),
               set->image_size(), dtype_name(run.dtype), run.device.str());
  context.set = set;
  return run_training(*configured.make(std::move(context)), configured.trainer, run);
}

}  // namespace gsv3d
