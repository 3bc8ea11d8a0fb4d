#include "training/train.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <functional>
#include <limits>

#include "core/error.h"
#include "core/log.h"
#include "training/decoder_stage.h"
#include "training/diffusion_stage.h"
#include "training/distill_stage.h"
#include "training/stage_context.h"
#include "training/vae_stage.h"

namespace gsv3d {
namespace {

struct PreparedStage {
  std::unique_ptr<Stage> stage;
  TrainerConfig trainer;
};

template <class Config>
PreparedStage prepare(StageContext context, const TrainOptions& options,
                      std::unique_ptr<Stage> (*make)(StageContext, const Config&)) {
  auto config = config_from_json<Config>(read_json_file(options.config), options.config.string());
  if (options.steps) config.steps = *options.steps;
  check_trainer_config(config, options.config.string());
  return {make(std::move(context), config), static_cast<const TrainerConfig&>(config)};
}

struct StageEntry {
  std::string name;
  bool needs_depth;
  std::function<PreparedStage(StageContext, const TrainOptions&)> prepare;
};

template <class Config>
StageEntry entry(const std::string& name, bool needs_depth, std::unique_ptr<Stage> (*make)(StageContext, const Config&)) {
  return {name, needs_depth,
          [make](StageContext context, const TrainOptions& options) { return prepare(std::move(context), options, make); }};
}

const std::vector<StageEntry>& entries() {
  static const std::vector<StageEntry> all = {
      entry("vae", false, make_vae_stage), entry("diffusion", false, make_diffusion_stage),
      entry("decoder", true, make_decoder_stage), entry("distill", true, make_distill_stage)};
  return all;
}

at::ScalarType training_dtype(const std::string& name, const at::Device& device) {
  if (name == "auto") return prefers_bfloat16(device) ? at::kBFloat16 : at::kFloat;
  const at::ScalarType dtype = parse_dtype(name);
  // fp16 would need loss scaling; bf16 has float32's range.
  if (dtype == at::kHalf) throw UsageError("training runs in fp32 or bf16, not in fp16");
  return dtype;
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

  keep_freed_memory();
  TrainRun run;
  run.folder = options.run;
  run.seed = options.seed;
  run.minutes = options.minutes;
  run.resume = options.resume;
  run.device = parse_device(options.device);
  run.dtype = training_dtype(options.dtype, run.device);
  if (run.minutes) spdlog::info("--minutes: the schedule follows the clock, so this run is not bit-reproducible");

  StageContext context;
  context.model_folder = options.model;
  context.model = read_model_config(options.model);
  context.data = options.data;
  context.seed = options.seed;
  context.device = run.device;
  context.dtype = run.dtype;
  auto set = load_training_set(options.data, found->needs_depth);
  spdlog::info("train {}: {} orbits of {} groups, {} pixels, {} on {}", options.stage, set.orbits.size(), set.groups.size(),
               set.image_size(), dtype_name(run.dtype), run.device.str());
  context.set = std::make_shared<const TrainingSet>(std::move(set));
  const PreparedStage prepared = found->prepare(std::move(context), options);
  return run_training(*prepared.stage, prepared.trainer, run);
}

}  // namespace gsv3d
