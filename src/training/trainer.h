// The training loop, the same for every stage: loss, backward, AdamW, moving average, checkpoints, metrics, previews.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

#include "core/device.h"
#include "training/model_update.h"
#include "training/process_group.h"
#include "training/stage.h"
#include "training/trainer_config.h"

namespace gsv3d {

struct TrainRun {
  /// checkpoint.safetensors, metrics.csv, TensorBoard events, previews/, settings.json, and model/ with the weights
  std::filesystem::path folder;
  std::shared_ptr<ModelUpdate> update;  ///< puts the weights into the model folder when the training is done; none: nobody does
  uint64_t seed = 0;
  /// Schedule by training time over all sessions instead of steps, the final export included; not bit-reproducible.
  std::optional<double> minutes;
  /// The same, but this session ends so many seconds after `started`, whatever was done before.
  std::optional<double> seconds;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;    ///< of matrix products (autocast); weights, moments and averages are float32
  bool resume = true;                   ///< go on from the folder's checkpoint if there is one
  std::function<void()> between_steps;  ///< called before every step
  /// The same as the stage's. Its first process alone reads checkpoints, writes files and decides about time.
  std::shared_ptr<ProcessGroup> group = std::make_shared<ProcessGroup>();
  /// Adam's moments are shared out to the processes of the group, which makes no difference to any number.
  bool share_moments = false;
  /// The loss is read back, and a series of skipped steps noticed, after so many steps; 0: every step on the CPU, with each row
  /// of metrics on a GPU, which would stand still meanwhile.
  int64_t read_back_steps = 0;
};

struct TrainSummary {
  int64_t first_step = 0, steps = 0,
          skipped = 0;  ///< step at which this session began; steps done in all; skipped in this session
  double seconds = 0;   ///< training time over all sessions
  double last_loss = 0;
  bool had_ended = false;  ///< there was nothing left to do when the session began
};

/// Trains until the last step (or minute), and then lets run.update install the weights. After Ctrl-C or SIGTERM, in whichever
/// process of the group, it writes a checkpoint, exports the weights into the run's folder and throws Cancelled in all. A step
/// whose loss or gradients are not finite is left out; Error when 20 in a row were (noticed when the loss is read back). Error
/// also when the folder's checkpoint belongs to other settings.
TrainSummary run_training(Stage& stage, const TrainerConfig& config, const TrainRun& run);

}  // namespace gsv3d
