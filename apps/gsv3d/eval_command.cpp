// gsv3d eval: how good the views and the geometry are on objects that were not trained on, beside what is trivial to reach.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "core/device.h"
#include "core/error.h"
#include "core/log.h"
#include "eval_baselines.h"
#include "eval_models.h"
#include "eval_protocol.h"
#include "evaluation/comparison.h"
#include "evaluation/evaluation_run.h"
#include "evaluation/model_methods.h"
#include "evaluation/perceptual_networks.h"
#include "evaluation/predictions.h"
#include "evaluation/report_folder.h"
#include "run_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct EvalArguments {
  RunOptions run;
  CaseSelection selection;
  fs::path train_dataset, json, output, predictions;
  EvaluatedModels models;
  ProtocolOptions protocol;
  int64_t view_size = 0;
  std::string shard;  ///< parse_shard()
  bool consistency = false, restart = false, merge = false;
  std::vector<std::string> weights;
  std::string alignment = "none";
  std::vector<std::string> baselines;
  std::vector<std::string> compared;  ///< results of earlier evaluations: read_variant()
  std::string compared_method;

  /// Predictions are scored by themselves unless a model is named too.
  bool with_model() const { return predictions.empty() || !run.model.empty(); }
};

void describe_model(EvaluationSettings& settings, const EvalArguments& arguments, const LoadOptions& load,
                    const ModelConfig& config) {
  settings.model = arguments.run.model_folder().string();
  settings.model_name = config.name;
  settings.device = load.device.str();
  settings.dtype = dtype_name(load.dtype);
  settings.steps = arguments.models.steps > 0 ? arguments.models.steps : config.sampler.steps;
  settings.rows = arguments.models.rows, settings.beside = arguments.models.beside;
}

/// What the choice of objects does not say.
void describe_rest(EvaluationSettings& settings, const EvalArguments& arguments) {
  settings.version = GSV3D_VERSION;
  settings.train_dataset = arguments.train_dataset.string();
  settings.predictions = arguments.predictions.string();
  settings.weights = arguments.weights;
  settings.consistency = arguments.consistency;
  settings.alignment = arguments.alignment;
}

void compare(const EvalArguments& arguments) {
  std::vector<EvaluatedVariant> variants;
  for (const std::string& text : arguments.compared) variants.push_back(read_variant(text));
  fmt::print("{}", comparison_table(variants, arguments.compared_method));
}

void check_options(const EvalArguments& arguments) {
  if (arguments.selection.dataset.empty()) throw UsageError("--dataset is required");
  if (arguments.selection.recolor && !arguments.predictions.empty())
    throw UsageError("--predictions were made of the objects' own colours: without --recolor");
  check_beside(arguments.models.beside);
  if (!arguments.with_model() && !(arguments.models.rows.empty() && arguments.models.beside.empty()))
    throw UsageError("--rows and --beside are about models: --predictions without --model has none");
  if (arguments.output.empty() && (!arguments.shard.empty() || arguments.restart))
    throw UsageError("--shard and --restart are about the folder of --out");
  if (!arguments.shard.empty() && (arguments.restart || !arguments.json.empty()))
    throw UsageError("--shard shares a folder with others: without --restart and --json");
}

/// Loads the model, where there is one, and adds it to the job; makes the methods once the objects are known.
void add_methods(EvaluationJob& job, EvalArguments& arguments, const LoadOptions& load) {
  EvaluatedModels& models = arguments.models;
  if (arguments.with_model()) {
    models.load(arguments.run.model_folder(), load);
    const std::shared_ptr<const Model> base = models.base;
    if (base->vae_encoder && base->vae_decoder)
      job.extras.autoencoder = [base](const EvaluationCase& object) { return score_autoencoder(*base, object); };
  }
  job.methods = [&arguments, &models](const std::vector<EvaluationCase>& cases) {
    std::vector<Method> methods;
    if (models.base) methods = models.methods();
    if (!arguments.predictions.empty())
      methods.push_back(predictions_method(arguments.predictions, alignment_from_name(arguments.alignment)));
    for (Method& method :
         chosen_baselines(arguments.baselines, arguments.train_dataset, cases, models.generator, models.options()))
      methods.push_back(std::move(method));
    if (methods.empty()) throw UsageError("nothing to evaluate: no model, no predictions and no baselines");
    return methods;
  };
}

EvaluationJob evaluation_job(EvalArguments& arguments) {
  EvaluationJob job;
  LoadOptions load{arguments.run.chosen_device(), at::kFloat, true};
  arguments.selection.protocol = arguments.protocol.chosen();
  if (arguments.with_model()) {
    job.model = arguments.run.model_folder();
    const ModelConfig config = read_model_config(job.model);
    load.dtype = arguments.run.chosen_dtype();
    if (arguments.view_size > 0 && arguments.view_size != config.image_size)
      throw UsageError(
          fmt::format("--view-size {}: the model \"{}\" works on {}", arguments.view_size, config.name, config.image_size));
    arguments.selection.view_size = config.image_size;
    describe_model(job.settings, arguments, load, config);
  } else {
    job.settings.model_name = "predictions";
    if (arguments.view_size > 0) arguments.selection.view_size = arguments.view_size;
  }
  describe_rest(job.settings, arguments);
  job.selection = arguments.selection;
  job.out = arguments.output;
  if (!arguments.shard.empty()) job.shard = parse_shard(arguments.shard);
  const WeightFiles weights = parse_weight_files(arguments.weights);
  job.needs_weights = needs_weights_note(weights);
  if (!weights.empty()) job.extras.networks = std::make_shared<const PerceptualNetworks>(weights, load.device);
  if (arguments.consistency) job.extras.consistency = ConsistencyOptions{.device = load.device};
  job.extras.points = job.selection.protocol.points;
  if (!arguments.predictions.empty()) {
    require(fs::is_directory(arguments.predictions), "{}: no folder of predictions", arguments.predictions.string());
    job.prediction_file = [&arguments](const std::string& id) { return prediction_file(arguments.predictions, id); };
  }
  add_methods(job, arguments, load);
  return job;
}

void print_outcome(const EvaluationOutcome& outcome, const EvalArguments& arguments) {
  if (!outcome.content) {
    fmt::print("{} of {} objects are scored; who scores the last one makes the report, or gsv3d eval --merge --out {}\n",
               outcome.objects - outcome.missing, outcome.objects, arguments.output.string());
    return;
  }
  const EvaluationSettings& settings = outcome.content->settings;
  fmt::print("{} objects, scored at {} orbit and {} random views of each{}\n\n{}", outcome.objects, settings.orbit_views,
             settings.random_views, settings.recolor ? ", in other colours (--recolor)" : "", markdown_report(*outcome.content));
}

void run_eval(EvalArguments& arguments) {
  if (!arguments.compared.empty()) return compare(arguments);
  if (arguments.merge) {
    if (arguments.output.empty()) throw UsageError("--merge needs the folder of --out");
    return print_outcome(merge_evaluation(arguments.output), arguments);
  }
  check_options(arguments);
  arguments.run.apply();
  const EvaluationJob job = evaluation_job(arguments);
  if (arguments.restart) ReportFolder::clear(arguments.output);
  const EvaluationOutcome outcome = run_evaluation(job);
  if (!arguments.json.empty() && outcome.content)
    write_json_file(arguments.json,
                    evaluation_json(outcome.content->settings, outcome.content->methods, outcome.content->autoencoder));
  print_outcome(outcome, arguments);
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
      ->add_option("--split-file", selection.split_file, "of the object files: CSV with id, split …; furniture libraries need it")
      ->check(CLI::ExistingFile);
  arguments->models.add_to(*command);
  arguments->protocol.add_to(*command);
  command
      ->add_option("--view-size", arguments->view_size,
                   "pixels a side of the views that are rendered here (default: the model's, or 64)")
      ->check(number_between(16, 4096));
  command->add_option("--uids", selection.uids, "file that names the objects: an id a line, or a JSON list of them")
      ->check(CLI::ExistingFile);
  command->add_option("--limit", selection.limit, "at most so many objects, evenly spread; 0: all")
      ->check(number_between(0, 1e9));
  command->add_option("--seed", selection.seed, "noise of the first object; each following one adds 1")
      ->check(whole_number())
      ->capture_default_str();
  command->add_flag("--recolor", selection.recolor, "objects in other colours: red becomes green, green blue, blue red");
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
                      "folder for report.html, evaluation.md, evaluation.json, scores.csv, rows.tex and one picture per object; "
                      "an evaluation that was broken off goes on there");
  command->add_option("--shard", arguments->shard,
                      "i/n: score only every n-th object, beginning with the i-th (from 0), into the folder of --out, which n "
                      "processes may share; auto: as of data render");
  command->add_flag("--merge", arguments->merge, "make the report of the folder of --out from what is scored there");
  command->add_flag("--restart", arguments->restart, "begin anew in the folder of --out");
  arguments->run.add_to(*command);
  command->footer("The input view itself is never scored; PSNRs are averaged over views. See docs/evaluation.md.");
  command->callback([arguments] { run_eval(*arguments); });
}

}  // namespace gsv3d
