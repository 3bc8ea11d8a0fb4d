// gsv3d eval --baselines: which of the methods that need no learning of geometry take part.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "evaluation/posed_pictures.h"

namespace gsv3d {

/// What --baselines says: names and what each is.
const char* baselines_help();

/// Throws UsageError for a name that nobody knows, with the known ones, and for one that lacks what it needs: "nearest" training
/// shards, "hull-generated" and "fit-generated" a model with a UNet, which is why they come without `model`. Empty names: the
/// cheap ones, as far as they can be; "all": all that can be.
std::vector<Method> chosen_baselines(const std::vector<std::string>& names, const std::filesystem::path& training_shards,
                                     const std::vector<EvaluationCase>& cases, const std::shared_ptr<const Model>& model,
                                     const GenerateOptions& options);

}  // namespace gsv3d
