#include "evaluation/html_report.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/atomic_file.h"
#include "core/base64.h"
#include "core/csv.h"
#include "core/markup.h"
#include "evaluation/model_methods.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* page_head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evaluation</title><style>
body{font:14px/1.5 sans-serif;margin:2em auto;max-width:100em;padding:0 1em;color:#222}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:1em 0}
th,td{border:1px solid #ccc;padding:.25em .6em;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{background:#f3f3f3;cursor:pointer;vertical-align:bottom}
small{color:#666;display:block}img{max-width:100%;border:1px solid #ddd}.best{font-weight:bold}
</style></head><body>
)";

/// Sorts a table by the clicked column, the other way round at the second click; cells without a number go last.
constexpr const char* page_script = R"(<script>
for (const head of document.querySelectorAll("th")) head.onclick = () => {
  const column = head.cellIndex, body = head.closest("table").tBodies[0], down = head.dataset.down = head.dataset.down === "1" ? "" : "1";
  const value = row => row.cells[column].dataset.value, missing = v => v === undefined || v === "";
  const order = (a, b) => {
    const x = value(a), y = value(b);
    if (missing(x) || missing(y)) return missing(x) - missing(y) || a.cells[column].innerText.localeCompare(b.cells[column].innerText);
    return down ? y - x : x - y;
  };
  for (const row of [...body.rows].sort(order)) body.append(row);
};
</script></body></html>
)";

/// A cell with the number that it is sorted by, and its interval in small letters.
std::string cell(double value, int digits, const Interval& interval, bool sign) {
  if (std::isnan(value)) return "<td>–</td>";
  const auto text = [&](double number) {
    return sign ? fmt::format("{:+.{}f}", number, digits) : fmt::format("{:.{}f}", number, digits);
  };
  std::string small;
  if (!std::isnan(interval.low)) small = fmt::format("<small>[{}, {}]</small>", text(interval.low), text(interval.high));
  return fmt::format("<td data-value=\"{:.9g}\">{}{}</td>", value, text(value), small);
}

std::string table(const std::string& id, const std::string& first, const std::vector<ScoreColumn>& columns,
                  const std::string& rows) {
  std::string text = fmt::format("<div class=\"wide\"><table id=\"{}\"><thead><tr><th>{}</th>", id, first);
  for (const ScoreColumn& column : columns)
    text += fmt::format("<th>{}<br>{} {}</th>", column.group, escaped(column.label), column.higher_is_better ? "↑" : "↓");
  return text + "<th>s</th></tr></thead><tbody>\n" + rows + "</tbody></table></div>\n";
}

std::vector<double> seconds_of(const MethodScores& method) {
  std::vector<double> values;
  for (const auto& object : method.objects) values.push_back(object.seconds);
  return values;
}

std::string means_table(const std::vector<MethodScores>& methods, const std::vector<ScoreColumn>& columns) {
  std::string rows;
  const auto add = [&](const std::vector<double>& values, int digits) {
    rows += cell(mean_and_error(values).mean, digits, bootstrap_interval(values), false);
  };
  for (const auto& method : methods) {
    rows += fmt::format("<tr><td title=\"{}\">{}</td>", escaped(method.description), escaped(method.name));
    for (const ScoreColumn& column : columns) add(column_values(method, column), column.digits);
    add(seconds_of(method), 2);
    rows += "</tr>\n";
  }
  return table("means", "method", columns, rows);
}

std::string differences_table(const std::vector<MethodScores>& methods, const std::vector<ScoreColumn>& columns) {
  if (methods.size() < 2) return {};
  std::string rows;
  for (size_t i = 1; i < methods.size(); ++i) {
    rows += fmt::format("<tr><td>{}</td>", escaped(methods[i].name));
    for (const ScoreColumn& column : columns) {
      const PairedDifference difference = difference_to(methods[i], methods.front(), column);
      rows += cell(difference.over.mean, column.digits, difference.interval, true);
    }
    rows += cell(mean_and_error(seconds_of(methods[i])).mean - mean_and_error(seconds_of(methods.front())).mean, 2,
                 bootstrap_interval({}), true) +
            "</tr>\n";
  }
  return fmt::format("<h2>Difference to “{}”, paired over objects</h2>\n", escaped(methods.front().name)) +
         table("differences", "method", columns, rows);
}

std::string sets_table(const std::vector<MethodScores>& methods) {
  std::string rows;
  for (const auto& [name, description, objects, unscored, set] : methods)
    if (set.pictures > 0)
      rows += fmt::format("<tr><td>{}</td>{}{}<td>{}</td></tr>\n", escaped(name), cell(set.fid, 2, set.fid_interval, false),
                          cell(set.kid, 5, set.kid_interval, false), set.pictures);
  if (rows.empty()) return rows;
  return "<table id=\"sets\"><thead><tr><th>method, all orbit views [95 % jackknife interval]</th><th>FID ↓</th><th>KID "
         "↓</th><th>pictures</th></tr></thead><tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string failures(const std::vector<MethodScores>& methods) {
  std::string items;
  for (const auto& method : methods)
    for (const auto& [id, reason] : method.failures)
      items += fmt::format("<li>{}, {}: {}</li>\n", escaped(method.name), escaped(id), escaped(reason));
  return items.empty() ? items : "<h2>Not scored</h2>\n<ul id=\"failures\">\n" + items + "</ul>\n";
}

std::string settings_list(const EvaluationSettings& settings) {
  std::string text = "<table id=\"settings\"><tbody>\n";
  const Json json = config_to_json(settings);
  for (const auto& [key, value] : json.items())
    text += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", escaped(key),
                        escaped(value.is_string() ? value.get<std::string>() : value.dump()));
  return text + "</tbody></table>\n";
}

/// Ids, the first method's worst orbit PSNR first; before all what it failed on, behind all what only others have.
std::vector<std::string> worst_first(const std::vector<MethodScores>& methods) {
  std::vector<std::string> ids;
  std::set<std::string> seen;
  const auto add = [&](const std::string& id) {
    if (seen.insert(id).second) ids.push_back(id);
  };
  for (const auto& failure : methods.front().failures) add(failure.id);
  std::vector<ObjectScores> objects = methods.front().objects;
  std::stable_sort(objects.begin(), objects.end(),
                   [](const ObjectScores& a, const ObjectScores& b) { return a.orbit.psnr < b.orbit.psnr; });
  for (const auto& object : objects) add(object.id);
  for (const auto& method : methods)
    for (const auto& object : method.objects) add(object.id);
  return ids;
}

std::string object_section(const std::string& id, const std::vector<MethodScores>& methods,
                           const std::vector<ScoreColumn>& columns, const fs::path& sheets) {
  std::string rows;
  for (const auto& method : methods)
    for (const auto& object : method.objects) {
      if (object.id != id) continue;
      rows += fmt::format("<tr><td>{}</td>", escaped(method.name));
      for (const ScoreColumn& column : columns) rows += cell(column.of(object), column.digits, bootstrap_interval({}), false);
      rows += cell(object.seconds, 2, bootstrap_interval({}), false) + "</tr>\n";
    }
  std::string text = fmt::format("<details><summary>{}</summary>\n", escaped(id)) + table("", "method", columns, rows);
  if (const fs::path picture = sheets / EvaluationSheets::file_name(id); fs::exists(picture))
    text += fmt::format("<img loading=\"lazy\" alt=\"{}\" src=\"data:image/png;base64,{}\">\n", escaped(id),
                        base64_encoded(read_file(picture)));
  return text + "</details>\n";
}

/// The characters that TeX reads otherwise.
std::string tex(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

std::string html_report(const ReportContent& content, const fs::path& sheets) {
  const std::vector<ScoreColumn> columns = shown_columns(content.methods);
  std::string page = page_head;
  const std::string conditions = fmt::format("<p>{}</p>\n", escaped(content.settings.conditions()));
  page += fmt::format("<h1>Evaluation of {}</h1>\n<p>{}</p>\n", escaped(content.settings.model_name),
                      escaped(content.settings.test_note()));
  page += "<h2>Means over objects [95 % bootstrap interval]</h2>\n" + conditions + means_table(content.methods, columns);
  page += sets_table(content.methods);
  if (!content.needs_weights.empty()) page += fmt::format("<p>{}</p>\n", escaped(content.needs_weights));
  page += differences_table(content.methods, columns);
  if (has_ceiling(content.methods)) page += fmt::format("<p>{}</p>\n", escaped(ceiling_note));
  if (!content.autoencoder.empty()) page += fmt::format("<p>{}</p>\n", escaped(autoencoder_line(content.autoencoder)));
  page += failures(content.methods) + "<h2>Settings</h2>\n" + settings_list(content.settings);
  page += "<h2>Objects, worst first</h2>\n" + conditions;
  for (const std::string& id : worst_first(content.methods)) page += object_section(id, content.methods, columns, sheets);
  return page + page_script;
}

std::string scores_csv(const EvaluationSettings& settings, const std::vector<MethodScores>& methods) {
  std::string text = "method,object";
  for (const ScoreColumn& column : score_columns()) text += fmt::format(",{} {}", column.group, column.name);
  text += ",orbit_elevation_degrees,conditions\n";
  const std::string conditions = csv_field(settings.conditions());
  for (const auto& method : methods)
    for (const auto& object : method.objects) {
      text += csv_field(method.name) + "," + csv_field(object.id);
      for (const ScoreColumn& column : score_columns()) {
        const double value = column.of(object);
        text += std::isnan(value) ? "," : fmt::format(",{:.9g}", value);
      }
      text += fmt::format(",{:.9g},{}\n", object.elevation_degrees, conditions);
    }
  return text;
}

std::string sets_csv(const EvaluationSettings& settings, const std::vector<MethodScores>& methods) {
  std::string text = "method,fid,fid_low,fid_high,kid,kid_low,kid_high,pictures,conditions\n";
  const auto cell = [](double value) { return std::isnan(value) ? std::string(",") : fmt::format(",{:.9g}", value); };
  for (const auto& [name, description, objects, failures, set] : methods) {
    text += csv_field(name);
    for (const double value :
         {set.fid, set.fid_interval.low, set.fid_interval.high, set.kid, set.kid_interval.low, set.kid_interval.high})
      text += cell(value);
    text += fmt::format(",{},{}\n", set.pictures, csv_field(settings.conditions()));
  }
  return text;
}

std::string timings_csv(const std::vector<MethodScores>& methods) {
  std::string text = "method,object,seconds\n";
  for (const auto& method : methods)
    for (const auto& object : method.objects)
      text += fmt::format("{},{},{:.3f}\n", csv_field(method.name), csv_field(object.id), object.seconds);
  return text;
}

std::string latex_rows(const std::vector<MethodScores>& methods) {
  const std::vector<ScoreColumn> columns = shown_columns(methods);
  std::string text = "% method";
  for (const ScoreColumn& column : columns) text += fmt::format(" & {} {}", column.group, column.label);
  text += has_sets(methods) ? " & orbit FID & orbit KID\n" : "\n";
  for (const auto& method : methods) {
    text += tex(method.name);
    for (const ScoreColumn& column : columns) {
      const auto [mean, error] = mean_and_error(column_values(method, column));
      text += std::isnan(mean) ? " & --" : fmt::format(" & ${:.{}f}", mean, column.digits);
      if (!std::isnan(mean)) text += std::isnan(error) ? "$" : fmt::format(" \\pm {:.{}f}$", error, column.digits);
    }
    if (method.set.pictures > 0)
      text += fmt::format(" & {:.2f} & {:.5f}", method.set.fid, method.set.kid);
    else if (has_sets(methods))
      text += " & -- & --";
    text += " \\\\\n";
  }
  return text;
}

std::string markdown_report(const ReportContent& content) {
  const std::string weights = content.needs_weights.empty() ? "" : "\n" + content.needs_weights + "\n";
  return markdown_table(content.methods) + set_table(content.methods) + weights + difference_table(content.methods) +
         autoencoder_line(content.autoencoder) + failure_list(content.methods) + "\n" + content.settings.test_note() + "\n";
}

void write_report(const fs::path& folder, const ReportContent& content) {
  write_json_file(folder / "evaluation.json", evaluation_json(content.settings, content.methods, content.autoencoder));
  write_file(folder / "evaluation.md", markdown_report(content));
  write_file(folder / "scores.csv", scores_csv(content.settings, content.methods));
  if (has_sets(content.methods)) write_file(folder / "sets.csv", sets_csv(content.settings, content.methods));
  write_file(folder / "timings.csv", timings_csv(content.methods));
  write_file(folder / "rows.tex", "% " + tex(content.settings.conditions()) + "\n" + latex_rows(content.methods));
  write_file(folder / "report.html", html_report(content, folder / "sheets"));
}

}  // namespace gsv3d
