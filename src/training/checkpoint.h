// RUN/checkpoint.safetensors: everything that training needs to go on as if it had never stopped. Written atomically.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/safetensors.h"

namespace gsv3d {

struct TrainingCheckpoint {
  NamedTensors parameters, ema, adam_means, adam_squares;  ///< by parameter name, float32
  int64_t step = 0;                                        ///< steps done
  int64_t updates = 0;                                     ///< steps that changed the weights: step minus the skipped ones
  double elapsed_seconds = 0;                              ///< of training, over all sessions
  Tensor pending_metrics;                                  ///< MetricsLog::pending(); undefined in checkpoints of older versions
  std::string settings_fingerprint;                        ///< of all that decides the numbers; another one must not be resumed
};

inline std::filesystem::path checkpoint_path(const std::filesystem::path& run) {
  return run / "checkpoint.safetensors";
}

/// Tensors "parameter/NAME", "ema/NAME", "adam_mean/NAME", "adam_square/NAME", "pending_metrics", the rest as metadata.
void save_checkpoint(const std::filesystem::path& path, const TrainingCheckpoint& checkpoint);

/// Throws Error when the file is damaged or is no checkpoint. Tensors share the mapped file: copy from them, do not change them.
TrainingCheckpoint load_checkpoint(const std::filesystem::path& path);

/// Copies values into tensors of the same names. Throws Error naming `what` and the first name that is missing, left over, or
/// shaped otherwise.
void restore_tensors(NamedTensors& into, const NamedTensors& from, const std::string& what);

}  // namespace gsv3d
