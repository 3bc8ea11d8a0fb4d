#include "evaluation/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "evaluation/report.h"
#include "evaluation/score_columns.h"

namespace gsv3d {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

const Json& method_of(const Json& run, const std::string& method, const std::string& variant) {
  const Json& methods = run.at("methods");
  if (method.empty()) return methods.at(0);
  for (const Json& candidate : methods)
    if (candidate.at("name") == method) return candidate;
  fail("{}: its evaluation has no method \"{}\"", variant, method);
}

double score_of(const Json& object, const ScoreColumn& column) {
  const auto group = object.find(column.group);
  if (group == object.end()) return nothing;
  const auto score = group->find(column.name);
  return score == group->end() || !score->is_number() ? nothing : score->get<double>();
}

/// Scores of the objects that both runs have.
struct Pairs {
  std::vector<double> values, reference;
};

void append_pairs(Pairs& pairs, const Json& objects, const Json& reference, const ScoreColumn& column) {
  for (const Json& object : objects)
    for (const Json& other : reference)
      if (object.at("id") == other.at("id")) {
        const double value = score_of(object, column), known = score_of(other, column);
        if (std::isnan(value) || std::isnan(known)) continue;
        pairs.values.push_back(value), pairs.reference.push_back(known);
      }
}

/// What evaluations of before the setting leave out is its default. They gave the orbit's elevation as the input's, which was one
/// of its views.
Json setting(const Json& settings, const std::string& name) {
  if (!settings.contains("protocol") && name.ends_with("_elevation_degrees"))
    return name.starts_with("orbit") ? settings.value("input_elevation_degrees", Json(10)) : Json();
  static const Json defaults = config_to_json(EvaluationSettings{});
  return settings.value(name, defaults.at(name));
}

void check_conditions(const EvaluatedVariant& variant, const EvaluatedVariant& reference) {
  require(variant.runs.size() == reference.runs.size(), "{} has {} runs, {} has {}: they are compared run by run", variant.name,
          variant.runs.size(), reference.name, reference.runs.size());
  for (size_t i = 0; i < variant.runs.size(); ++i) {
    const Json &own = variant.runs[i].at("settings"), &other = reference.runs[i].at("settings");
    for (const char* name : {"view_size", "orbit_views", "random_views", "orbit_elevation_degrees", "input_elevation_degrees",
                             "points", "recolor", "alignment"})
      require(setting(own, name) == setting(other, name), "{} and {} cannot be compared: {} is {} and {}", variant.name,
              reference.name, name, setting(own, name).dump(), setting(other, name).dump());
  }
}

/// Why there is no finding; empty: there is one.
std::string withheld(size_t runs, size_t objects) {
  if (runs < 2) return "withheld: one run";
  if (objects < fewest_compared_objects) return fmt::format("withheld: {} object{}", objects, objects == 1 ? "" : "s");
  return {};
}

const char* verdict(const PairedDifference& all, const std::vector<double>& per_run, bool higher_is_better) {
  const bool positive = all.over.mean > 0;
  const bool agreed = std::all_of(per_run.begin(), per_run.end(), [&](double run) { return (run > 0) == positive && run != 0; });
  const bool outside = all.interval.low > 0 || all.interval.high < 0;
  if (!outside || !agreed) return "within noise";
  return positive == higher_is_better ? "better" : "worse";
}

std::string row(const EvaluatedVariant& variant, const EvaluatedVariant& reference, const std::string& method,
                const ScoreColumn& column) {
  Pairs all;
  std::vector<double> per_run;
  size_t fewest = std::numeric_limits<size_t>::max();
  for (size_t i = 0; i < variant.runs.size(); ++i) {
    Pairs pairs;
    append_pairs(pairs, method_of(variant.runs[i], method, variant.name).at("objects"),
                 method_of(reference.runs[i], method, reference.name).at("objects"), column);
    if (pairs.values.empty()) continue;
    fewest = std::min(fewest, pairs.values.size());
    per_run.push_back(paired_difference(pairs.values, pairs.reference).over.mean);
    all.values.insert(all.values.end(), pairs.values.begin(), pairs.values.end());
    all.reference.insert(all.reference.end(), pairs.reference.begin(), pairs.reference.end());
  }
  if (all.values.empty()) return {};
  const PairedDifference difference = paired_difference(all.values, all.reference);
  std::string runs;
  for (const double run : per_run) runs += fmt::format("{}{:+.{}f}", runs.empty() ? "" : ", ", run, column.digits);
  const std::string reason = withheld(per_run.size(), fewest);
  return fmt::format("| {} | {} {} | {:.{}f} | {:.{}f} | {} | {} | {} |\n", variant.name, column.group, column.label,
                     mean_and_error(all.reference).mean, column.digits, mean_and_error(all.values).mean, column.digits,
                     difference_text(difference, column.digits), runs,
                     reason.empty() ? verdict(difference, per_run, column.higher_is_better) : reason);
}

}  // namespace

EvaluatedVariant read_variant(const std::string& text) {
  EvaluatedVariant variant;
  const size_t equals = text.find('=');
  const std::vector<std::string> files = split_at_commas(equals == std::string::npos ? text : text.substr(equals + 1));
  variant.name = equals == std::string::npos ? files.front() : text.substr(0, equals);
  for (const std::string& file : files) {
    Json json = read_json_file(file);
    const bool fits = json.is_object() && json.contains("settings") && json.contains("methods") && json["methods"].is_array() &&
                      !json["methods"].empty();
    require(fits, "{}: not an evaluation, as gsv3d eval --json writes it", file);
    for (const Json& method : json["methods"])
      require(method.is_object() && method.contains("name") && method.contains("objects") && method["objects"].is_array() &&
                  std::all_of(method["objects"].begin(), method["objects"].end(),
                              [](const Json& object) { return object.is_object() && object.contains("id"); }),
              "{}: a method of this evaluation has no name or no objects with ids", file);
    variant.runs.push_back(std::move(json));
  }
  return variant;
}

std::string comparison_table(const std::vector<EvaluatedVariant>& variants, const std::string& method) {
  require(variants.size() >= 2, "a comparison takes at least two evaluations, the first is what the others are compared with");
  const EvaluatedVariant& reference = variants.front();
  std::string table = fmt::format(
      "Difference to \"{}\", paired over objects and {} run{}: mean ± standard error [95 % bootstrap interval]\n\n"
      "| variant | score | {} | variant | difference | of each run | finding |\n|---|---|---|---|---|---|---|\n",
      reference.name, reference.runs.size(), reference.runs.size() == 1 ? "" : "s", reference.name);
  for (size_t i = 1; i < variants.size(); ++i) {
    check_conditions(variants[i], reference);
    const size_t before = table.size();
    for (const ScoreColumn& column : score_columns()) table += row(variants[i], reference, method, column);
    require(table.size() > before, "{} and {} have no object in common", variants[i].name, reference.name);
  }
  if (table.find("withheld") != std::string::npos)
    table += fmt::format(
        "\nNo finding with one run, because another seed of training, or of sampling, may turn the sign, or with fewer than {} "
        "objects in each run, of which a bootstrap interval is too narrow.\n",
        fewest_compared_objects);
  return table;
}

}  // namespace gsv3d
