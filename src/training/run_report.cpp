#include "training/run_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "core/atomic_file.h"
#include "core/base64.h"
#include "core/csv.h"
#include "core/markup.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:76em;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse}td{padding:.1em 1em .1em 0}.curves{display:flex;flex-wrap:wrap;gap:1.5em}"
    "figure{margin:0}figcaption{color:#555}svg{background:#fafafa;border:1px solid "
    "#ddd}img{max-width:100%;image-rendering:pixelated}"
    "pre{overflow:auto;background:#fafafa;padding:1em}";

struct Curve {
  std::vector<double> steps, values;  // of rows whose value is a finite number
};

/// Mean over a tenth of the curve around each point, at least one.
std::vector<double> smoothed(const std::vector<double>& values) {
  const auto count = std::ssize(values), reach = count / 20;
  std::vector<double> means;
  for (ptrdiff_t i = 0; i < count; ++i) {
    double sum = 0;
    const ptrdiff_t first = std::max<ptrdiff_t>(0, i - reach), last = std::min(count - 1, i + reach);
    for (ptrdiff_t j = first; j <= last; ++j) sum += values[static_cast<size_t>(j)];
    means.push_back(sum / static_cast<double>(last - first + 1));
  }
  return means;
}

std::string figure(const std::string& name, const Curve& curve) {
  constexpr double width = 360, height = 160, margin = 8;
  const auto [low, high] = std::minmax_element(curve.values.begin(), curve.values.end());
  const double span = std::max(*high - *low, 1e-12), first = curve.steps.front(), last = curve.steps.back();
  const auto line = [&](const std::vector<double>& values, const char* style) {
    std::string points;
    for (size_t i = 0; i < values.size(); ++i)
      points +=
          fmt::format("{:.1f},{:.1f} ", margin + (width - 2 * margin) * (curve.steps[i] - first) / std::max(last - first, 1.0),
                      height - margin - (height - 2 * margin) * (values[i] - *low) / span);
    return fmt::format("<polyline points=\"{}\" fill=\"none\" {}/>", points, style);
  };
  return fmt::format(
      "<figure><svg width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"{2}\">{3}{4}</svg><figcaption><b>{2}</b> {5:.4g} → "
      "{6:.4g}, "
      "between {7:.4g} and {8:.4g}; steps {9:.0f} to {10:.0f}</figcaption></figure>\n",
      width, height, escaped(name), line(curve.values, "stroke=\"#b9c7dd\""),
      line(smoothed(curve.values), "stroke=\"#1f4e99\" stroke-width=\"2\""), curve.values.front(), curve.values.back(), *low,
      *high, first, last);
}

std::string curves(const fs::path& path) {
  std::map<std::string, Curve> all;
  for (const auto& row : read_csv(path))
    for (const auto& [name, text] : row) {
      if (name == "step" || name == "seconds") continue;
      const double value = std::strtod(text.c_str(), nullptr);
      if (!std::isfinite(value)) continue;
      all[name].steps.push_back(std::strtod(row.at("step").c_str(), nullptr));
      all[name].values.push_back(value);
    }
  std::string text;
  // The loss first, then by name.
  if (const auto loss = all.find("loss"); loss != all.end()) text += figure("loss", loss->second);
  for (const auto& [name, curve] : all)
    if (name != "loss") text += figure(name, curve);
  return text.empty() ? "<p>No step was logged.</p>\n" : "<div class=\"curves\">\n" + text + "</div>\n";
}

/// previews/NAME-0000123.png → by name, by step.
std::map<std::string, std::map<int64_t, fs::path>> previews(const fs::path& folder) {
  std::map<std::string, std::map<int64_t, fs::path>> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string stem = entry.path().stem().string();
    const size_t dash = stem.rfind('-');
    int64_t step = 0;
    if (entry.path().extension() != ".png" || dash == std::string::npos) continue;
    if (std::from_chars(stem.data() + dash + 1, stem.data() + stem.size(), step).ec != std::errc()) continue;
    found[stem.substr(0, dash)][step] = entry.path();
  }
  return found;
}

std::string pictures(const fs::path& folder) {
  std::string text;
  for (const auto& [name, steps] : previews(folder)) {
    text += fmt::format("<h3>{}</h3>\n", escaped(name));
    const auto show = [&](const char* when, const auto& preview) {
      text += fmt::format(
          "<figure><img alt=\"{0} {1}\" src=\"data:image/png;base64,{3}\"><figcaption>{1}: step {2}</figcaption></figure>\n",
          escaped(name), when, preview.first, base64_encoded(read_file(preview.second)));
    };
    if (steps.size() > 1) show("before", *steps.begin());
    show("after", *steps.rbegin());
  }
  return text.empty() ? "" : "<h2>Pictures</h2>\n" + text;
}

}  // namespace

void write_run_report(const fs::path& run, const std::string& title,
                      const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string text = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title><style>{1}</style>\n<h1>{0}</h1>\n<table>\n",
      escaped(title), kStyle);
  for (const auto& [name, value] : facts) text += fmt::format("<tr><td>{}<td>{}\n", escaped(name), escaped(value));
  text += "</table>\n<h2>Curves</h2>\n" + curves(run / "metrics.csv") + pictures(run / "previews");
  if (fs::exists(run / "settings.json"))
    text += "<h2>Settings</h2>\n<pre>" + escaped(read_file(run / "settings.json")) + "</pre>\n";
  write_file(run / "report.html", text + "</html>\n");
}

}  // namespace gsv3d
