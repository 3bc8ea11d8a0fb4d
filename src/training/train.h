// The one entry to training: reads configuration and data, builds the stage, runs the trainer. Stages in their order: vae,
// diffusion and decoder (in either order), distill; text needs the vae alone; see docs/training.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "training/trainer.h"
#include "training/training_set.h"

namespace gsv3d {

struct TrainOptions {
  std::string stage;             ///< vae | diffusion | decoder | distill | text
  std::filesystem::path model;   ///< folder whose config.json gives the architecture; receives the weights at the end
  bool replace = false;          ///< put trained weights aside that the run does not begin with (ModelUpdate)
  std::vector<DataFolder> data;  ///< where shards are, one or more places
  bool follow = false;           ///< start with the first shard and take in others as they appear
  /// Views that take more, decoded, stay in their shards, and about so many bytes of them are kept (list_training_set());
  /// default: a quarter of the machine's memory, divided by the processes on it. Numbers do not depend on it.
  std::optional<int64_t> data_bytes;
  std::filesystem::path run;      ///< folder of the checkpoint, metrics and previews
  std::filesystem::path config;   ///< the stage's settings
  std::optional<int64_t> steps;   ///< instead of the configuration's
  std::optional<double> minutes;  ///< schedule by time instead of steps
  std::optional<double> seconds;  ///< end so many seconds after the call, reading and export included
  bool share_moments = false;     ///< several processes share Adam's moments out (AdamW)
  bool recompute = false;         ///< networks keep their blocks' inputs alone for the backward pass (nn/recompute.h)
  std::string device = "auto";
  std::string dtype = "auto";  ///< auto | fp32 | bf16; auto: bf16 where the device is faster with it
  uint64_t seed = 0;
  bool resume = true;
};

/// Names of the stages.
const std::vector<std::string>& training_stages();

/// What options.stage of options.model with options.config takes in each of `processes` (dry_run.h): text for people. With
/// `tries_step`, and where this machine has the memory, one step of the optimiser on small made-up pictures, too. Reads
/// config.json and the settings only; weights and data need not exist. Throws as train() does.
std::string dry_run(const TrainOptions& options, int64_t processes, bool tries_step);

/// Trains one stage. Throws UsageError for unknown names, Error for missing or damaged files, Cancelled after Ctrl-C (checkpoint
/// written).
TrainSummary train(const TrainOptions& options);

}  // namespace gsv3d
