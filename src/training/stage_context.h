// What every stage is built from, and how a stage reads and writes weights.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "models/model_folder.h"
#include "nn/parameter_store.h"
#include "training/process_group.h"
#include "training/trainer_config.h"
#include "training/training_set.h"

namespace gsv3d {

struct StageContext {
  std::filesystem::path model_folder;
  ModelConfig model;
  std::filesystem::path data;  ///< the shards' file or folder: caches are stored beside them
  std::shared_ptr<const TrainingSet> set;
  uint64_t seed = 0;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::shared_ptr<ProcessGroup> group = std::make_shared<ProcessGroup>();  ///< who else trains this
};

/// The store of a network that a stage trains: random weights, or those of the model folder's `file` when initial_weights says
/// so.
std::shared_ptr<nn::ParameterStore> trained_store(const StageContext& context, const TrainerConfig& config,
                                                  const std::string& file);

/// The store of a network that an earlier stage made. Throws Error naming the stage to run first when the file is missing.
std::shared_ptr<nn::ParameterStore> finished_store(const StageContext& context, const std::string& file,
                                                   const std::string& stage);

/// Adds a store's parameters to a stage's, under PREFIX/name, and turns their gradients on.
void add_trained(NamedTensors& all, const std::string& prefix, nn::ParameterStore& store);

/// Writes parameters as fp16, atomically, with their fingerprint and `header` in the file's header. Throws Error naming the first
/// tensor that fp16 cannot hold.
void export_parameters(const std::filesystem::path& path, const NamedTensors& parameters,
                       std::map<std::string, std::string> header = {});

/// A stage's configuration without the keys that only say how long and how often (steps, log and checkpoint periods), so that a
/// run may be prolonged; without what matters at the first step only; and with the whole batch of a step, however it is cut.
template <class Config>
Json lasting_settings(const Config& config) {
  Json json = config_to_json(config);
  json["batch"] = config.items_per_step();
  for (const char* key : {"steps", "checkpoint_minutes", "preview_minutes", "log_steps", "initial_weights", "accumulate"})
    json.erase(key);
  return json;
}

}  // namespace gsv3d
