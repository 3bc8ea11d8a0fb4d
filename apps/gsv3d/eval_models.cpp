#include "eval_models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/log.h"
#include "evaluation/model_methods.h"
#include "run_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

std::pair<std::string, fs::path> named_folder(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError(fmt::format("--beside {}: expected NAME=MODEL_FOLDER", text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// The model with its distilled LoRA, where it has one and it is wanted, else `base` itself.
std::shared_ptr<const Model> with_lora(const std::shared_ptr<const Model>& base, LoadOptions load, bool wanted) {
  if (!wanted || !base->unet || !fs::exists(base->folder / "distilled_lora.safetensors")) return base;
  load.use_lora = true;
  return std::make_shared<const Model>(load_model(base->folder, load));
}

std::vector<Method> chosen_rows(std::vector<Method> methods, const std::vector<std::string>& rows) {
  if (rows.empty()) return methods;
  std::vector<Method> chosen;
  for (const std::string& row : rows) {
    const auto found = std::find_if(methods.begin(), methods.end(), [&](const Method& method) { return method.name == row; });
    if (found == methods.end()) {
      std::vector<std::string> names;
      for (const Method& method : methods) names.push_back(method.name);
      throw UsageError(fmt::format("--rows: the model has no row \"{}\"; there are \"{}\"", row, fmt::join(names, "\", \"")));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace

void check_beside(const std::vector<std::string>& beside) {
  std::set<std::string> names;
  for (const std::string& text : beside)
    if (const std::string name = named_folder(text).first; !names.insert(name).second)
      throw UsageError(fmt::format("--beside: two models are called \"{}\"", name));
}

void EvaluatedModels::add_to(CLI::App& command) {
  command.add_option("--steps", steps, "denoising steps (default: the model's)")->check(number_between(1, 1e9));
  command.add_flag("--no-lora", no_lora, "leave the distilled model out");
  command
      .add_option("--rows", rows,
                  "a row of the model to be scored, repeatable (default: all), for example \"pipeline, not refined\"")
      ->allow_extra_args(false);
  command
      .add_option(
          "--beside", beside,
          "NAME=MODEL_FOLDER, repeatable: another model's pipeline as a row of this name, not refined, without palette and "
          "the photo's own pixels")
      ->allow_extra_args(false);
}

GenerateOptions EvaluatedModels::options() const {
  GenerateOptions options;
  if (steps > 0) options.sampling["steps"] = steps;
  return options;
}

void EvaluatedModels::load(const fs::path& folder, LoadOptions load) {
  load.use_lora = false;
  base = std::make_shared<const Model>(load_model(folder, load));
  best = with_lora(base, load, !no_lora);
  if (best->unet) generator = best;
  for (const std::string& text : beside) {
    const auto [name, other] = named_folder(text);
    const auto plain = std::make_shared<const Model>(load_model(other, load));
    require(plain->config.image_size == base->config.image_size, "--beside {}: works on views of {} pixels, {} on {}", text,
            plain->config.image_size, folder.string(), base->config.image_size);
    require(plain->gaussian_decoder.has_value() && (plain->unet || sees_photo_alone(*plain)),
            "--beside {}: the model folder has no {}", text, plain->gaussian_decoder ? "unet" : "gaussian_decoder");
    others_.emplace_back(name, with_lora(plain, load, !no_lora));
  }
}

std::vector<Method> EvaluatedModels::own_methods() const {
  const GenerateOptions whole = options();
  GenerateOptions without_surface = whole;
  without_surface.photo_surface = false;
  std::vector<Method> methods;
  if (base->gaussian_decoder && sees_photo_alone(*base))
    return {unrefined_method(base, "pipeline, not refined", "Gaussians from the photo alone", whole)};
  if (base->unet && base->gaussian_decoder) {
    methods.push_back(pipeline_method(best, "pipeline", "photo to Gaussians, as gsv3d generate makes them", whole));
    methods.push_back(
        pipeline_method(best, "pipeline, no photo surface", "without the photo's own pixels on the seen side", without_surface));
    methods.push_back(unrefined_method(best, "pipeline, not refined", "without the refinement to photo and views", whole));
    if (best != base)
      methods.push_back(
          unrefined_method(base, "pipeline, neither refined nor distilled", "without refinement and distilled LoRA", whole));
  } else {
    spdlog::warn("{} has no {}: the whole pipeline is left out", base->folder.string(), base->unet ? "gaussian_decoder" : "unet");
  }
  if (base->gaussian_decoder) methods.push_back(true_latents_method(base));
  return methods;
}

std::vector<Method> EvaluatedModels::methods() const {
  std::vector<Method> methods = chosen_rows(own_methods(), rows);
  for (const auto& [name, model] : others_) {
    for (const Method& method : methods)
      if (method.name == name) throw UsageError(fmt::format("--beside: \"{}\" is the name of another row", name));
    methods.push_back(unrefined_method(model, name, fmt::format("the model {}, not refined", model->folder.string()), options()));
  }
  return methods;
}

}  // namespace gsv3d
