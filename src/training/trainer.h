// The training loop, the same for every stage: loss, backward, AdamW, moving average, checkpoints, metrics, previews.
#pragma once

#include <filesystem>
#include <optional>

#include "core/device.h"
#include "training/stage.h"
#include "training/trainer_config.h"

namespace gsv3d {

struct TrainRun {
  std::filesystem::path folder;  ///< checkpoint.safetensors, metrics.csv, TensorBoard events, previews/, settings.json
  uint64_t seed = 0;
  std::optional<double> minutes;  ///< schedule by training time instead of steps; such a run is not bit-reproducible
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;  ///< of matrix products (autocast); weights, moments and averages are float32
  bool resume = true;                 ///< go on from the folder's checkpoint if there is one
};

struct TrainSummary {
  int64_t first_step = 0, steps = 0,
          skipped = 0;  ///< step at which this session began; steps done in all; skipped in this session
  double seconds = 0;   ///< training time over all sessions
  double last_loss = 0;
};

/// Trains until the last step (or minute). After Ctrl-C or SIGTERM it writes a checkpoint, exports the weights and throws
/// Cancelled. A step whose loss or gradients are not finite is left out; Error after 20 of them in a row. Error also when the
/// folder's checkpoint belongs to other settings.
TrainSummary run_training(Stage& stage, const TrainerConfig& config, const TrainRun& run);

}  // namespace gsv3d
