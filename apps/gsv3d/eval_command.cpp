// gsv3d eval: how good the views and the geometry are on objects that were not trained on, beside what is trivial to reach.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "eval_baselines.h"
#include "evaluation/comparison.h"
#include "evaluation/html_report.h"
#include "evaluation/model_methods.h"
#include "evaluation/perceptual_networks.h"
#include "evaluation/predictions.h"
#include "evaluation/split_record.h"
#include "run_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct EvalArguments {
  RunOptions run;
  CaseSelection selection;
  fs::path train_dataset, json, output, predictions;
  int64_t steps = 0;
  bool no_lora = false, consistency = false;
  std::vector<std::string> weights;
  std::string alignment = "none";
  std::vector<std::string> baselines;
  std::vector<std::string> compared;  ///< results of earlier evaluations: read_variant()
  std::string compared_method;

  /// Predictions are scored by themselves unless a model is named too.
  bool with_model() const { return predictions.empty() || !run.model.empty(); }
};

GenerateOptions whole_options(const EvalArguments& arguments) {
  GenerateOptions options;
  if (arguments.steps > 0) options.sampling["steps"] = arguments.steps;
  return options;
}

/// The model with its distilled LoRA, where it has one and it is wanted, else `base` itself.
std::shared_ptr<const Model> best_model(const EvalArguments& arguments, const LoadOptions& load,
                                        const std::shared_ptr<const Model>& base) {
  const bool lora = !arguments.no_lora && base->unet && fs::exists(base->folder / "distilled_lora.safetensors");
  return lora ? std::make_shared<const Model>(load_model(base->folder, load)) : base;
}

/// (a) the pipeline, and what it is without its refinement and without distillation; (b) its ceiling.
std::vector<Method> model_methods(const EvalArguments& arguments, const std::shared_ptr<const Model>& best,
                                  const std::shared_ptr<const Model>& base) {
  const GenerateOptions whole = whole_options(arguments);
  GenerateOptions without_surface = whole;
  without_surface.photo_surface = false;
  GenerateOptions unrefined = without_surface;
  unrefined.refine = false, unrefined.photo_palette = false;
  std::vector<Method> methods;
  if (base->unet && base->gaussian_decoder) {
    methods.push_back(pipeline_method(best, "pipeline", "photo to Gaussians, as gsv3d generate makes them", whole));
    methods.push_back(
        pipeline_method(best, "pipeline, no photo surface", "without the photo's own pixels on the seen side", without_surface));
    methods.push_back(pipeline_method(best, "pipeline, not refined", "without the refinement to photo and views", unrefined));
    if (best != base)
      methods.push_back(
          pipeline_method(base, "pipeline, neither refined nor distilled", "without refinement and distilled LoRA", unrefined));
  } else {
    spdlog::warn("{} has no {}: the whole pipeline is left out", base->folder.string(), base->unet ? "gaussian_decoder" : "unet");
  }
  if (base->gaussian_decoder) methods.push_back(true_latents_method(base));
  return methods;
}

void describe_model(EvaluationSettings& settings, const EvalArguments& arguments, const LoadOptions& load,
                    const ModelConfig& config) {
  settings.model = arguments.run.model_folder().string();
  settings.model_name = config.name;
  settings.device = load.device.str();
  settings.dtype = dtype_name(load.dtype);
  settings.steps = arguments.steps > 0 ? arguments.steps : config.sampler.steps;
}

void describe_data(EvaluationSettings& settings, const EvalArguments& arguments, const std::vector<EvaluationCase>& cases) {
  const CaseSelection& selection = arguments.selection;
  settings.version = GSV3D_VERSION;
  settings.dataset = selection.dataset.string();
  settings.train_dataset = arguments.train_dataset.string();
  settings.objects_source = selection.objects.string();
  settings.predictions = arguments.predictions.string();
  settings.objects = static_cast<int64_t>(cases.size());
  settings.view_size = cases.front().input_rgb.size(3);
  settings.orbit_views = cases.front().truth.orbit_views - 1;
  settings.random_views = cases.front().truth.rgba.size(0) - cases.front().truth.orbit_views;
  settings.input_elevation_degrees = selection.elevation_degrees;
  settings.seed = selection.seed;
  settings.recolor = selection.recolor;
  settings.weights = arguments.weights;
  settings.consistency = arguments.consistency;
  settings.alignment = arguments.alignment;
  settings.split = split_of(selection.dataset, cases);
}

void compare(const EvalArguments& arguments) {
  std::vector<EvaluatedVariant> variants;
  for (const std::string& text : arguments.compared) variants.push_back(read_variant(text));
  fmt::print("{}", comparison_table(variants, arguments.compared_method));
}

void run_eval(EvalArguments& arguments) {
  if (!arguments.compared.empty()) return compare(arguments);
  if (arguments.selection.dataset.empty()) throw UsageError("--dataset is required");
  if (arguments.selection.recolor && !arguments.predictions.empty())
    throw UsageError("--predictions were made of the objects' own colours: without --recolor");
  arguments.run.apply();
  const bool with_model = arguments.with_model();
  const fs::path folder = arguments.run.model_folder();
  LoadOptions load{arguments.run.chosen_device(), at::kFloat, true};
  std::optional<ModelConfig> config;
  if (with_model) {
    config = read_model_config(folder);
    load.dtype = arguments.run.chosen_dtype();
    arguments.selection.view_size = config->image_size;
  }
  EvaluationExtras extras;
  const WeightFiles weights = parse_weight_files(arguments.weights);
  if (!weights.empty()) extras.networks = std::make_shared<const PerceptualNetworks>(weights, load.device);
  if (arguments.consistency) extras.consistency = ConsistencyOptions{.device = load.device};
  const std::vector<EvaluationCase> cases = load_cases(arguments.selection);

  ReportContent content;
  content.needs_weights = needs_weights_note(weights);
  describe_data(content.settings, arguments, cases);
  std::vector<Method> methods;
  std::shared_ptr<const Model> generator;  // of views
  if (with_model) {
    LoadOptions plain = load;
    plain.use_lora = false;
    const auto base = std::make_shared<const Model>(load_model(folder, plain));
    const auto best = best_model(arguments, load, base);
    methods = model_methods(arguments, best, base);
    if (best->unet) generator = best;
    if (base->vae_encoder && base->vae_decoder) content.autoencoder = score_autoencoder(*base, cases);
    describe_model(content.settings, arguments, load, *config);
  } else {
    content.settings.model_name = "predictions";
  }
  if (!arguments.predictions.empty())
    methods.push_back(predictions_method(arguments.predictions, alignment_from_name(arguments.alignment)));
  for (Method& method :
       chosen_baselines(arguments.baselines, arguments.train_dataset, cases, generator, whole_options(arguments)))
    methods.push_back(std::move(method));
  if (methods.empty()) throw UsageError("nothing to evaluate: no model, no predictions and no baselines");

  EvaluationSheets sheets(arguments.output / "sheets");
  PredictionCallback on_prediction;
  if (!arguments.output.empty())
    on_prediction = [&](const EvaluationCase& object, const Method& method, const ViewSet& predicted) {
      sheets.add(object, method, predicted, method.name == methods.back().name);
    };
  content.methods = evaluate(cases, methods, on_prediction, extras);
  EvaluationSettings& settings = content.settings;
  if (with_model)
    settings.test_scorings = is_test_split(settings.split)
                                 ? record_test_scoring(folder, {settings.dataset, settings.version, settings.objects})
                                 : recorded_test_scorings(folder);
  if (!arguments.json.empty()) write_json_file(arguments.json, evaluation_json(settings, content.methods, content.autoencoder));
  if (!arguments.output.empty()) write_report(arguments.output, content);
  fmt::print("{} objects, input at azimuth 0 and elevation {} degrees, scored at {} orbit and {} random views of each{}\n\n{}",
             cases.size(), settings.input_elevation_degrees, settings.orbit_views, settings.random_views,
             settings.recolor ? ", in other colours (--recolor)" : "", markdown_report(content));
}

}  // namespace

void add_eval_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("eval", "Score a model and trivial baselines on objects with known views");
  auto arguments = std::make_shared<EvalArguments>();
  CaseSelection& selection = arguments->selection;
  command->add_option("--dataset", selection.dataset, "shards of rendered views, or a folder of object files (rendered here)");
  command->add_option("--train-dataset", arguments->train_dataset,
                      "shards the model was trained on: adds the nearest training object");
  command->add_option("--predictions", arguments->predictions,
                      "folder with one file of Gaussians or mesh per object, named by its id; without --model scored by itself");
  command->add_option("--objects", selection.objects,
                      "object files behind the shards: adds the scores of geometry (a folder of object files has its own)");
  command
      ->add_option("--split-file", selection.split_file, "of --objects, where furniture libraries need it: CSV with id, split …")
      ->check(CLI::ExistingFile);
  command->add_option("--steps", arguments->steps, "denoising steps (default: the model's)")->check(number_between(1, 1e9));
  command->add_option("--elevation", selection.elevation_degrees, "of the input view, degrees; the model is told")
      ->check(number_between(-89, 89))
      ->capture_default_str();
  command->add_option("--limit", selection.limit, "at most so many objects, evenly spread; 0: all")
      ->check(number_between(0, 1e9));
  command->add_option("--seed", selection.seed, "noise of the first object; each following one adds 1")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--recolor", selection.recolor, "objects in other colours: red becomes green, green blue, blue red");
  command->add_flag("--no-lora", arguments->no_lora, "leave the distilled model out");
  command->add_flag("--consistency", arguments->consistency,
                    "also score whether the generated views show one object (fits Gaussians to them, some seconds per object)");
  command
      ->add_option(
          "--weights", arguments->weights,
          "KIND=FILE.safetensors, repeatable: networks of perceptual scores; KIND lpips-alex, lpips-vgg, clip, clip-iqa, "
          "dino or inception (docs/evaluation.md says which files)")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--align", arguments->alignment,
          "of --predictions to the truth, whose surface it takes: none, up (turned about the vertical), scale (and its box "
          "fitted), icp (and to the nearest points)")
      ->check(CLI::IsMember({"none", "up", "scale", "icp"}))
      ->capture_default_str();
  command->add_option("--baselines", arguments->baselines, baselines_help())->delimiter(',');
  CLI::Option* compared = command->add_option("--compare", arguments->compared,
                                              "instead of an evaluation: A.json B.json … of earlier ones, all compared with the "
                                              "first; NAME=A1.json,A2.json: runs of one");
  compared->excludes("--dataset");
  command->add_option("--method", arguments->compared_method, "of --compare: the row that is compared (default: the first)")
      ->needs(compared);
  command->add_option("--json", arguments->json, "write every number of every object, and the settings");
  command->add_option("--out", arguments->output,
                      "folder for report.html, evaluation.md, evaluation.json, scores.csv, rows.tex and one picture per object");
  arguments->run.add_to(*command);
  command->footer("The input view itself is never scored; PSNRs are averaged over views. See docs/evaluation.md.");
  command->callback([arguments] { run_eval(*arguments); });
}

}  // namespace gsv3d
