// What one training stage tells the trainer: its parameters, its loss, its pictures, and how its weights enter the model folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/safetensors.h"
#include "core/tensor.h"
#include "image/image.h"
#include "training/process_group.h"

namespace gsv3d {

/// The loss of one step. `parts` are detached scalars for the log; their names and order must be the same in every step.
struct StepLoss {
  Tensor loss;
  std::vector<std::pair<std::string, Tensor>> parts;
};

struct Preview {
  std::string name;  ///< file name without extension
  Image image;
};

class Stage {
 public:
  virtual ~Stage() = default;
  virtual std::string name() const = 0;
  /// The trained parameters by name: float32 leaves that require gradients. The same tensors at every call.
  virtual NamedTensors parameters() const = 0;
  /// Names of StepLoss::parts.
  virtual std::vector<std::string> part_names() const = 0;
  /// Everything that decides the numbers: configuration, architecture, data. Its fingerprint guards checkpoints.
  virtual Json settings() const = 0;
  /// The loss of a step, with gradients, of a share of the batch: the mean over equal shares that make up the batch, of the loss
  /// and of its gradients, is that of the whole. All processes ask at once, for shares of one size. All randomness comes from
  /// (seed, step): see training/seeds.h.
  virtual StepLoss loss(int64_t step, uint64_t seed, const BatchShare& share) = 0;
  /// Says that loss() will be asked for this next: a training set that is larger than memory reads ahead.
  virtual void prefetch(int64_t, uint64_t, const BatchShare&) {}
  /// Pictures of what the current weights do (called with averaged weights, without gradients).
  virtual std::vector<Preview> preview() = 0;
  /// Writes the current weights (called with averaged ones) into a folder, as fp16, atomically. → What they change in the
  /// model's config.json, as a JSON merge patch.
  virtual Json export_weights(const std::filesystem::path& folder) = 0;
};

}  // namespace gsv3d
