#include "evaluation/evaluation_run.h"

#include <map>
#include <numeric>

#include "core/error.h"
#include "core/log.h"
#include "evaluation/report_folder.h"
#include "evaluation/split_record.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// What the choice of objects and views says of the settings.
EvaluationSettings planned_settings(const EvaluationJob& job, const CasePlan& plan) {
  const CaseSelection& selection = job.selection;
  const EvaluationProtocol& protocol = selection.protocol;
  EvaluationSettings settings = job.settings;
  settings.dataset = selection.dataset.string();
  settings.objects_source = selection.objects.string();
  settings.uids = selection.uids.string();
  settings.drawn_objects = protocol.random_objects;
  settings.objects = static_cast<int64_t>(plan.ids.size());
  settings.view_size = plan.view_size;
  settings.orbit_views = plan.orbit_views;
  settings.random_views = plan.random_views;
  settings.protocol = protocol.name;
  settings.orbit_elevation_degrees = protocol.orbit_elevation_degrees;
  settings.input_elevation_degrees = protocol.input_elevation_degrees;
  EvaluationProtocol actual = protocol;  // stored views have their own numbers
  actual.orbit_views = plan.orbit_views + (protocol.input_elevation_degrees ? 0 : 1);
  actual.random_views = plan.random_views;
  settings.cameras = actual.cameras();
  settings.points = protocol.points;
  settings.seed = selection.seed;
  settings.recolor = selection.recolor;
  settings.split = plan.split;
  return settings;
}

std::string stamp_of(const EvaluationJob& job, const std::string& id) {
  if (!job.prediction_file) return {};
  return file_stamp(job.prediction_file(id));
}

/// How often the model was scored on a test split; this report counts when it is a new one.
int64_t test_scorings(const fs::path& model, const EvaluationSettings& settings, bool is_new) {
  if (model.empty()) return 0;
  if (!is_new || !is_test_split(settings.split)) return recorded_test_scorings(model);
  for (const fs::path& other : settings.other_models())
    record_test_scoring(other, {settings.dataset, settings.version, settings.objects});
  return record_test_scoring(model, {settings.dataset, settings.version, settings.objects});
}

/// Of all models' files; empty without a model.
std::string stamp_of_models(const EvaluationJob& job) {
  std::string stamp = job.model.empty() ? "" : file_stamp(job.model);
  for (const fs::path& other : job.settings.other_models()) stamp += " " + file_stamp(other);
  return stamp;
}

/// Scores the objects at these places and hands each one's part over as soon as it is complete.
void score_places(const EvaluationJob& job, const CasePlan& plan, const std::vector<size_t>& places, const fs::path& truth,
                  const fs::path& sheets_folder, const std::function<void(size_t, const ObjectPart&)>& on_part) {
  if (places.empty()) return;
  const LoadedCases loaded = load_planned(job.selection, plan, places, truth);
  const std::vector<Method> methods = job.methods(loaded.cases);
  std::map<std::string, size_t> place_of;
  for (const size_t place : places) place_of[plan.ids[place]] = place;
  for (const FailedObject& failed : loaded.failures) {
    ObjectPart part{failed.id, {}};
    for (const Method& method : methods) part.methods.push_back({method.name, method.description, {}, failed.reason});
    on_part(place_of.at(failed.id), part);
  }
  EvaluationSheets sheets(sheets_folder);
  PredictionCallback on_prediction;
  if (!sheets_folder.empty())
    on_prediction = [&](const EvaluationCase& object, const Method& method, const ViewSet& predicted) {
      sheets.add(object, method, predicted, method.name == methods.back().name);
    };
  evaluate_objects(loaded.cases, methods, on_prediction, job.extras,
                   [&](const ObjectPart& part) { on_part(place_of.at(part.id), part); });
}

std::vector<size_t> all_places(const CasePlan& plan) {
  std::vector<size_t> places(plan.ids.size());
  std::iota(places.begin(), places.end(), size_t{0});
  return places;
}

EvaluationOutcome run_in_memory(const EvaluationJob& job, const CasePlan& plan) {
  std::map<size_t, ObjectPart> by_place;
  score_places(job, plan, all_places(plan), {}, {}, [&](size_t place, const ObjectPart& part) { by_place[place] = part; });
  ReportContent content;
  content.settings = planned_settings(job, plan);
  content.needs_weights = job.needs_weights;
  std::vector<ObjectPart> parts;
  for (auto& [place, part] : by_place) parts.push_back(std::move(part));
  content.methods = merge_parts(parts);
  for (const ObjectPart& part : parts)
    if (part.autoencoder) content.autoencoder.push_back(*part.autoencoder);
  content.settings.test_scorings = test_scorings(job.model, content.settings, true);
  return {std::move(content), static_cast<int64_t>(plan.ids.size()), 0};
}

ReportContent finish(const ReportFolder& folder, const fs::path& out, const fs::path& model) {
  ReportContent content = folder.merged();
  content.settings.test_scorings = test_scorings(model, content.settings, !folder.has_report());
  write_report(out, content);
  return content;
}

}  // namespace

EvaluationOutcome run_evaluation(const EvaluationJob& job) {
  const CasePlan plan = plan_cases(job.selection);
  if (job.out.empty()) return run_in_memory(job, plan);
  const ReportFolder folder(job.out, {planned_settings(job, plan), job.needs_weights, stamp_of_models(job), plan.ids});
  std::vector<size_t> places;
  int64_t kept = 0;
  for (auto place = static_cast<size_t>(job.shard.index); place < plan.ids.size();
       place += static_cast<size_t>(job.shard.count)) {
    if (folder.is_scored(place, stamp_of(job, plan.ids[place])))
      ++kept;
    else
      places.push_back(place);
  }
  if (kept > 0)
    spdlog::info("{}: {} objects were scored before, {} are left{}", job.out.string(), kept, places.size(),
                 job.shard.count > 1 ? " of this shard" : "");
  score_places(job, plan, places, folder.truth(), folder.sheets(),
               [&](size_t place, const ObjectPart& part) { folder.save(place, part, stamp_of(job, plan.ids[place])); });
  const auto objects = static_cast<int64_t>(plan.ids.size());
  if (const int64_t missing = folder.missing(); missing > 0) return {std::nullopt, objects, missing};
  return {finish(folder, job.out, job.model), objects, 0};
}

EvaluationOutcome merge_evaluation(const fs::path& out) {
  const ReportFolder folder(out);
  const auto objects = static_cast<int64_t>(folder.plan().objects.size());
  return {finish(folder, out, folder.plan().settings.model), objects, folder.missing()};
}

}  // namespace gsv3d
