#include "evaluation/report.h"

#include <algorithm>
#include <cmath>

#include "evaluation/model_methods.h"
#include "evaluation/object_part.h"
#include "image/contact_sheet.h"

namespace gsv3d {
namespace {

std::string number(double value, int digits) {
  return std::isnan(value) ? "–" : fmt::format("{:.{}f}", value, digits);
}

/// Mean and, where there is one, standard error.
std::string decibels(const MeanAndError& psnr) {
  return std::isnan(psnr.standard_error) ? number(psnr.mean, 2)
                                         : fmt::format("{} ± {}", number(psnr.mean, 2), number(psnr.standard_error, 2));
}

MeanAndError over_objects(const std::vector<AutoencoderScores>& objects, double AutoencoderScores::*score) {
  std::vector<double> values;
  for (const auto& object : objects) values.push_back(object.*score);
  return mean_and_error(values);
}

Json autoencoder_json(const std::vector<AutoencoderScores>& autoencoder) {
  Json result = Json::object(), objects = Json::array();
  const auto summary = [&](double AutoencoderScores::*score) -> Json {
    const MeanAndError over = over_objects(autoencoder, score);
    return {{"mean", over.mean}, {"standard_error", over.standard_error}};
  };
  for (const auto& object : autoencoder)
    objects.push_back({{"id", object.id}, {"psnr", object.psnr}, {"foreground_psnr", object.foreground_psnr}});
  result["psnr"] = summary(&AutoencoderScores::psnr);
  result["foreground_psnr"] = summary(&AutoencoderScores::foreground_psnr);
  result["objects"] = std::move(objects);
  return result;
}

Json set_json(const SetScores& set) {
  return {{"fid", set.fid},          {"fid_low", set.fid_interval.low}, {"fid_high", set.fid_interval.high},
          {"kid", set.kid},          {"kid_low", set.kid_interval.low}, {"kid_high", set.kid_interval.high},
          {"pictures", set.pictures}};
}

/// Means of a group's columns, the first with its standard error: "18.12 ± 0.40".
std::string mean_cell(const MethodScores& method, const ScoreColumn& column) {
  const MeanAndError over = mean_and_error(column_values(method, column));
  return column.name == "psnr" ? decibels(over) : number(over.mean, column.digits);
}

Json group_json(const MethodScores& method, const std::string& group) {
  Json result;
  for (const ScoreColumn& column : score_columns()) {
    if (column.group != group) continue;
    const auto [mean, standard_error] = mean_and_error(column_values(method, column));
    result["mean"][column.name] = mean;
    result["standard_error"][column.name] = standard_error;
  }
  return result;
}

Json difference_json(const MethodScores& method, const MethodScores& first) {
  Json result = {{"to", first.name}};
  for (const ScoreColumn& column : score_columns()) {
    const auto [objects, over, interval] = difference_to(method, first, column);
    result[column.group][column.name] = {{"objects", objects},
                                         {"mean", over.mean},
                                         {"standard_error", over.standard_error},
                                         {"low", interval.low},
                                         {"high", interval.high}};
  }
  return result;
}

/// The views shown: six around the orbit and two random ones, as indices into the predicted views (the input view is not among
/// them).
std::vector<int64_t> shown_views(const EvaluationCase& object) {
  const int64_t orbit = object.truth.orbit_views, all = object.truth.rgba.size(0);
  std::vector<int64_t> indices;
  for (int64_t i = 1; i <= 6 && i < orbit; ++i) indices.push_back(std::max<int64_t>(1, i * orbit / 7) - 1);
  for (int64_t view = orbit; view < std::min(all, orbit + 2); ++view) indices.push_back(view - 1);
  return indices;
}

SheetRow row(const std::string& label, const ViewSet& views, const std::vector<int64_t>& indices, const Tensor& first) {
  SheetRow result;
  result.label = label;
  if (first.defined()) result.pictures.push_back(to_image(first));
  for (const int64_t index : indices) result.pictures.push_back(to_image(views.rgb[index]));
  return result;
}

}  // namespace

std::vector<std::filesystem::path> EvaluationSettings::other_models() const {
  std::vector<std::filesystem::path> folders;
  for (const std::string& text : beside) folders.emplace_back(text.substr(text.find('=') + 1));
  return folders;
}

std::string EvaluationSettings::conditions() const {
  const std::string sparse = points > 0 ? fmt::format("; sparse: {} points", points) : "";
  return fmt::format("{0} x {0} px; over white; longest side 1; alignment {1}; {2}{3}", view_size, alignment, cameras, sparse);
}

std::string EvaluationSettings::test_note() const {
  const std::string note = fmt::format("Conditions: {}. Split: {}.", conditions(), split);
  if (model.empty()) return note;
  if (test_scorings == 0) return note + " This model folder has not been scored on a test split.";
  return note + fmt::format(" This model folder was scored on a test split {} so far.",
                            test_scorings == 1 ? std::string("once") : fmt::format("{} times", test_scorings));
}

bool has_ceiling(const std::vector<MethodScores>& methods) {
  return std::any_of(methods.begin(), methods.end(), [](const MethodScores& method) { return method.name == true_latents_name; });
}

std::vector<ScoreColumn> shown_columns(const std::vector<MethodScores>& methods) {
  std::vector<ScoreColumn> columns = score_columns();
  const auto is_number = [](double value) { return !std::isnan(value); };
  std::erase_if(columns, [&](const ScoreColumn& column) {
    return std::none_of(methods.begin(), methods.end(), [&](const MethodScores& method) {
      const std::vector<double> values = column_values(method, column);
      return std::any_of(values.begin(), values.end(), is_number);
    });
  });
  return columns;
}

std::string markdown_table(const std::vector<MethodScores>& methods) {
  const std::vector<ScoreColumn> columns = shown_columns(methods);
  std::string table = "| method |", line = "\n|---|";
  for (const ScoreColumn& column : columns) {
    table += fmt::format(" {} {} |", column.group, column.label);
    line += "---|";
  }
  table += " s per object |" + line + "---|\n";
  for (const auto& method : methods) {
    double seconds = 0;
    for (const auto& object : method.objects) seconds += object.seconds / static_cast<double>(method.objects.size());
    table += fmt::format("| {} |", method.name);
    for (const ScoreColumn& column : columns) table += fmt::format(" {} |", mean_cell(method, column));
    table += fmt::format(" {:.2f} |\n", seconds);
  }
  return table;
}

std::string failure_list(const std::vector<MethodScores>& methods) {
  std::string text;
  for (const auto& method : methods)
    for (const auto& [id, reason] : method.failures) text += fmt::format("- {}, {}: {}\n", method.name, id, reason);
  return text.empty() ? text : "\nNot scored:\n\n" + text;
}

std::string difference_table(const std::vector<MethodScores>& methods) {
  if (methods.size() < 2) return {};
  const MethodScores& first = methods.front();
  std::string text = fmt::format(
      "\nDifference to \"{}\", paired over objects: mean ± standard error [95 % bootstrap interval]\n\n| method |", first.name);
  std::string line = "\n|---|";
  const std::vector<ScoreColumn> columns = shown_columns(methods);
  for (const ScoreColumn& column : columns) {
    text += fmt::format(" {} {} |", column.group, column.label);
    line += "---|";
  }
  text += line + "\n";
  for (size_t i = 1; i < methods.size(); ++i) {
    text += fmt::format("| {} |", methods[i].name);
    for (const ScoreColumn& column : columns)
      text += fmt::format(" {} |", difference_text(difference_to(methods[i], first, column), column.digits));
    text += "\n";
  }
  if (has_ceiling(methods)) text += fmt::format("\n{}\n", ceiling_note);
  return text;
}

bool has_sets(const std::vector<MethodScores>& methods) {
  return std::any_of(methods.begin(), methods.end(), [](const MethodScores& method) { return method.set.pictures > 0; });
}

std::string set_table(const std::vector<MethodScores>& methods) {
  std::string rows;
  const auto cell = [](double value, const Interval& interval, int digits) {
    const std::string text = number(value, digits);
    return std::isnan(interval.low)
               ? text
               : fmt::format("{} [{}, {}]", text, number(interval.low, digits), number(interval.high, digits));
  };
  for (const auto& [name, description, objects, failures, set] : methods)
    if (set.pictures > 0)
      rows += fmt::format("| {} | {} | {} | {} |\n", name, cell(set.fid, set.fid_interval, 2), cell(set.kid, set.kid_interval, 5),
                          set.pictures);
  return rows.empty()
             ? rows
             : "\n| method, all orbit views | FID [95 % jackknife interval] | KID | pictures |\n|---|---|---|---|\n" + rows;
}

std::string autoencoder_line(const std::vector<AutoencoderScores>& autoencoder) {
  if (autoencoder.empty()) return {};
  return fmt::format("\nautoencoder: PSNR of the orbit's views {} dB over the frame, {} dB over the object's pixels (fg)\n",
                     decibels(over_objects(autoencoder, &AutoencoderScores::psnr)),
                     decibels(over_objects(autoencoder, &AutoencoderScores::foreground_psnr)));
}

Json evaluation_json(const EvaluationSettings& settings, const std::vector<MethodScores>& methods,
                     const std::vector<AutoencoderScores>& autoencoder) {
  Json list = Json::array();
  for (const auto& method : methods) {
    Json objects = Json::array(), failures = Json::array();
    for (const auto& object : method.objects) objects.push_back(scores_to_json(object));
    for (const auto& [id, reason] : method.failures) failures.push_back({{"id", id}, {"reason", reason}});
    list.push_back({{"name", method.name},
                    {"description", method.description},
                    {"orbit", group_json(method, "orbit")},
                    {"random", group_json(method, "random")},
                    {"geometry", group_json(method, "geometry")},
                    {"sparse", group_json(method, "sparse")},
                    {"views", group_json(method, "views")},
                    {"objects", std::move(objects)},
                    {"failures", std::move(failures)},
                    {"set", set_json(method.set)}});
    if (&method != &methods.front()) list.back()["difference"] = difference_json(method, methods.front());
  }
  Json result = {{"settings", config_to_json(settings)}, {"conditions", settings.conditions()}, {"methods", std::move(list)}};
  if (!autoencoder.empty()) result["autoencoder"] = autoencoder_json(autoencoder);
  return result;
}

std::string EvaluationSheets::file_name(const std::string& id) {
  std::string name = id + ".png";
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '\\'; }, '_');
  return name;
}

void EvaluationSheets::add(const EvaluationCase& object, const Method& method, const ViewSet& predicted, bool last_method) {
  if (predicted.rgb.defined()) rows_.emplace_back(method.name, predicted);
  if (!last_method) return;
  const std::vector<int64_t> indices = shown_views(object);
  std::vector<SheetRow> rows = {
      row("truth (first: input)", true_views(object.truth, 1, object.truth.rgba.size(0)), indices, object.input_rgb[0])};
  // An empty first cell keeps the columns of all rows in line.
  const Tensor blank = at::ones_like(object.input_rgb[0]);
  for (const auto& [name, views] : rows_) rows.push_back(row(name, views, indices, blank));
  rows_.clear();
  SheetOptions options;
  options.cell_size = std::max<int64_t>(128, object.input_rgb.size(3));
  save_png(folder_ / file_name(object.truth.id), contact_sheet(rows, options));
}

}  // namespace gsv3d
