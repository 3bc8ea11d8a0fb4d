#include "eval_baselines.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "evaluation/baselines.h"

namespace gsv3d {
namespace {

struct Baseline {
  std::string name;
  bool by_default;
  std::string lacking;  ///< what it needs and is not there; empty: nothing
  std::function<Method()> make;
};

}  // namespace

const char* baselines_help() {
  return "which baselines, separated by commas, or all: nearest, repeated, billboard (these without it), hull-generated, "
         "hull-true, "
         "fit-generated, fit-true, none";
}

std::vector<Method> chosen_baselines(const std::vector<std::string>& names, const std::filesystem::path& training_shards,
                                     const std::vector<EvaluationCase>& cases, const std::shared_ptr<const Model>& model,
                                     const GenerateOptions& options) {
  const std::string no_shards = training_shards.empty() ? "--train-dataset" : "", no_model = model ? "" : "a model with a UNet";
  const auto generated = [&] { return generated_pictures(model, options); };
  const std::vector<Baseline> known = {
      {"nearest", true, no_shards, [&] { return nearest_object_method(training_shards, cases); }},
      {"repeated", true, "", repeated_input_method},
      {"billboard", true, "", billboard_method},
      {"hull-generated", false, no_model,
       [&] {
         return visual_hull_method(generated(), "hull of generated views", "visual hull of the model's views, without decoder");
       }},
      {"hull-true", false, "",
       [] { return visual_hull_method(true_orbit, "hull of true views", "visual hull of the true orbit: no prediction"); }},
      {"fit-generated", false, no_model,
       [&] { return fitted_views_method(generated(), "fit to generated views", "Gaussians fitted to the model's views"); }},
      {"fit-true", false, "",
       [] { return fitted_views_method(true_orbit, "fit to true views", "Gaussians fitted to the true orbit: no prediction"); }}};
  std::vector<std::string> wanted = names;
  const bool all = wanted == std::vector<std::string>{"all"}, none = wanted == std::vector<std::string>{"none"};
  if (all || none) wanted.clear();
  for (const std::string& name : wanted) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const Baseline& one) { return one.name == name; });
    if (found == known.end()) {
      std::vector<std::string> all_names;
      for (const Baseline& one : known) all_names.push_back(one.name);
      throw UsageError(
          fmt::format("--baselines: nobody knows \"{}\"; there are {}, all and none", name, fmt::join(all_names, ", ")));
    }
    if (!found->lacking.empty()) throw UsageError(fmt::format("--baselines {} needs {}", name, found->lacking));
  }
  std::vector<Method> methods;
  for (const Baseline& one : known) {
    const bool asked = std::find(wanted.begin(), wanted.end(), one.name) != wanted.end();
    if (asked || (one.lacking.empty() && (all || (names.empty() && one.by_default)))) methods.push_back(one.make());
  }
  return methods;
}

}  // namespace gsv3d
