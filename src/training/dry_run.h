// What a training will take, before there is data or a GPU for it: parameters, memory of every process, and one real step of the
// optimiser on small pictures. Nothing of it is kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/views.h"
#include "models/model_folder.h"
#include "training/trainer_config.h"

namespace gsv3d {

struct TrainingPlan {
  struct Part {
    std::string name;
    int64_t parameters = 0, trained = 0;
  };
  std::string stage;
  std::vector<Part> parts;  ///< networks that the stage holds, and "lora"
  int64_t batch = 0, processes = 1;
  /// What one item of a batch (an image or a clip) leaves for the backward pass in float32, without the rasterizer; the largest
  /// part of it that is alive at once.
  int64_t activation_bytes = 0;

  int64_t parameters() const;
  int64_t trained() const;
  /// Of every process: weights, and of the trained ones gradients, two moments and the moving average, all float32.
  int64_t state_bytes() const;
  int64_t items() const { return batch / processes; }
  /// Estimate of a process's peak; in bf16 matrix products keep half of the activations.
  int64_t peak_bytes(bool bf16) const { return state_bytes() + items() * activation_bytes / (bf16 ? 2 : 1); }
};

/// By the stage's name (train.h) and the files that it trains. Lora: of the stage "distill". Throws Error when the processes do
/// not divide the batch.
struct PlannedStage {
  std::string name;
  std::vector<TrainedFile> files = {};
  int64_t batch = 1;
  nn::LoraOptions lora = {};
  bool samples = false;  ///< DecoderStageConfig::sampled_share
};

/// The networks that a stage holds, trained or not, by the names of their files.
std::vector<std::string> held_parts(const PlannedStage& stage);
TrainingPlan plan_training(const ModelConfig& model, const PlannedStage& stage, int64_t processes);

/// A table for people.
std::string plan_text(const TrainingPlan& plan);

/// The same networks for the smallest pictures (64 pixels or more) that they take.
ModelConfig with_smallest_pictures(const ModelConfig& model);

/// Two orbits of a shaded ball with this many views, for a step without data.
std::vector<ObjectViews> made_up_views(int64_t size, int64_t orbit_views);

}  // namespace gsv3d
