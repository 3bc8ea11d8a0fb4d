// What a training will take, before there is data or a GPU for it: parameters, and memory of every process. Parameters are
// counted, activations told from small measurements (activation_estimate.h).
#pragma once

#include <string>
#include <vector>

#include "dataset/views.h"
#include "models/model_folder.h"
#include "training/activation_bytes.h"
#include "training/trainer_config.h"

namespace gsv3d {

/// A stage by its name (train.h), the files that it trains and how.
struct PlannedStage {
  std::string name;
  std::vector<TrainedFile> files;
  int64_t batch = 1;
  bool recompute = false;       ///< nn/recompute.h
  nn::LoraOptions lora;         ///< of the stage "distill"
  bool samples = false;         ///< DecoderStageConfig::sampled_share
  int64_t accumulate = 1;       ///< batches of a step
  bool shares_moments = false;  ///< among the processes (AdamW)
};

struct TrainingPlan {
  struct Part {
    std::string name;
    int64_t parameters = 0, trained = 0;
  };
  std::string stage;
  std::vector<Part> parts;  ///< networks that the stage holds, and "lora"
  int64_t batch = 0, processes = 1;
  bool recompute = false;
  int64_t accumulate = 1;
  bool shares_moments = false;
  /// Of one item of a batch (an image or a clip) in float32, without the rasterizer.
  ActivationBytes activations;

  int64_t parameters() const;
  int64_t trained() const;
  /// Of every process: weights, and of the trained ones gradients, two moments (or its part of them) and the moving average, all
  /// float32.
  int64_t state_bytes() const;
  int64_t items() const { return batch / processes; }
  /// Estimate of a process's peak; in bf16 matrix products keep half of the activations.
  int64_t peak_bytes(bool bf16) const { return state_bytes() + items() * activations.peak() / (bf16 ? 2 : 1); }
};

/// The networks that a stage holds, counted from their shapes.
std::vector<TrainingPlan::Part> counted_parts(const ModelConfig& model, const PlannedStage& stage);

/// Throws Error when the processes do not divide the batch, and for the stage "text".
TrainingPlan plan_training(const ModelConfig& model, const PlannedStage& stage, int64_t processes);

/// A table for people, which says what is counted and what estimated.
std::string plan_text(const TrainingPlan& plan);

/// The same networks for the smallest pictures (64 pixels or more) that they take.
ModelConfig with_smallest_pictures(const ModelConfig& model);

/// Two orbits of a shaded ball with this many views, for a step without data.
std::vector<ObjectViews> made_up_views(int64_t size, int64_t orbit_views);

}  // namespace gsv3d
