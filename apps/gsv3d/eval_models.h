// gsv3d eval: the model and other models as rows of the table.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/method.h"
#include "pipeline/pipeline.h"

namespace gsv3d {

/// Throws UsageError for one that is not NAME=FOLDER, or a name that is there twice.
void check_beside(const std::vector<std::string>& beside);

/// What the options of models say, and the models once they are loaded.
struct EvaluatedModels {
  int64_t steps = 0;  ///< denoising steps; 0: each model's
  bool no_lora = false;
  std::vector<std::string> rows;    ///< of the model; empty: all
  std::vector<std::string> beside;  ///< NAME=FOLDER

  void add_to(CLI::App& command);
  GenerateOptions options() const;

  void load(const std::filesystem::path& folder, LoadOptions load);
  /// (a) the pipeline, and what it is without its refinement and without distillation; (b) its ceiling; (c) the models beside.
  /// Throws UsageError for a wanted row that there is none of.
  std::vector<Method> methods() const;

  std::shared_ptr<const Model> base, best, generator;  ///< without and with its LoRA; of views, where it has a UNet

 private:
  std::vector<Method> own_methods() const;
  std::vector<std::pair<std::string, std::shared_ptr<const Model>>> others_;
};

}  // namespace gsv3d
