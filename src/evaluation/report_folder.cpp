#include "evaluation/report_folder.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.h"
#include "core/fingerprint.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* not_yet = "not scored yet";

/// The plan without what may differ between processes that share the work.
Json comparable(const ReportPlan& plan) {
  Json json = config_to_json(plan);
  json["settings"].erase("device");
  json["settings"].erase("test_scorings");
  return json;
}

/// The name of the first value that differs, with both; objects by their number.
std::string first_difference(const Json& there, const Json& here, const std::string& name) {
  if (there.is_object() && here.is_object())
    for (const auto& [key, value] : here.items())
      if (!there.contains(key) || there.at(key) != value)
        return first_difference(there.value(key, Json()), value, name.empty() ? key : name + "." + key);
  if (there.is_array() && here.is_array())
    for (size_t i = 0; i < std::min(there.size(), here.size()); ++i)
      if (there[i] != here[i]) return first_difference(there[i], here[i], fmt::format("{}[{}]", name, i));
  if (there.is_array() && here.is_array())
    return fmt::format("{} has {} entries there, {} here", name, there.size(), here.size());
  return fmt::format("{} is {} there, {} here", name, json_text(there), json_text(here));
}

std::string stamp_of_file(const fs::path& path) {
  return fmt::format("{} {} {}", path.filename().string(), fs::file_size(path),
                     fs::last_write_time(path).time_since_epoch().count());
}

}  // namespace

std::string file_stamp(const fs::path& path) {
  if (path.empty()) return {};
  if (!fs::is_directory(path)) return fs::exists(path) ? fingerprint_text(fingerprint(stamp_of_file(path))) : std::string();
  std::vector<std::string> stamps;
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.path().extension() == ".safetensors" || entry.path().filename() == "config.json")
      stamps.push_back(stamp_of_file(entry.path()));
  std::sort(stamps.begin(), stamps.end());
  return fingerprint_text(fingerprint(fmt::format("{}", fmt::join(stamps, "\n"))));
}

ReportFolder::ReportFolder(fs::path folder, const ReportPlan& plan) : folder_(std::move(folder)), plan_(plan) {
  const fs::path path = folder_ / "plan.json";
  if (!fs::exists(path)) write_json_file(path, config_to_json(plan));
  // Read in any case: another process may have been faster.
  const Json there = comparable(config_from_json<ReportPlan>(read_json_file(path), path.string())), here = comparable(plan);
  require(there == here, "{}: belongs to another evaluation: {}; choose another folder, or --restart", path.string(),
          first_difference(there, here, ""));
}

ReportFolder::ReportFolder(fs::path folder) : folder_(std::move(folder)) {
  const fs::path path = folder_ / "plan.json";
  require(fs::exists(path), "{}: no evaluation was begun here", folder_.string());
  plan_ = config_from_json<ReportPlan>(read_json_file(path), path.string());
}

void ReportFolder::clear(const fs::path& folder) {
  for (const char* name : {"plan.json", "truth", "parts", "sheets", "report.html", "evaluation.json", "evaluation.md",
                           "scores.csv", "sets.csv", "timings.csv", "rows.tex"})
    fs::remove_all(folder / name);
}

bool ReportFolder::has_report() const {
  return fs::exists(folder_ / "evaluation.json");
}

fs::path ReportFolder::part_path(size_t place, const char* ending) const {
  return folder_ / "parts" / (object_file_stem(place, plan_.objects.at(place)) + ending);
}

bool ReportFolder::is_scored(size_t place, const std::string& stamp) const {
  const fs::path path = part_path(place, ".json");
  if (!fs::exists(path)) return false;
  const Json json = read_json_file(path);
  return json.is_object() && json.value("stamp", std::string()) == stamp && !read_part(place).failed();
}

void ReportFolder::save(size_t place, const ObjectPart& part, const std::string& stamp) const {
  const NamedTensors features = part_features(part);
  if (!features.empty()) write_safetensors(part_path(place, ".safetensors"), features);
  Json json = part_to_json(part);
  json["stamp"] = stamp;
  write_json_file(part_path(place, ".json"), json);  // last: it says that the part is whole
}

ObjectPart ReportFolder::read_part(size_t place) const {
  const fs::path path = part_path(place, ".json");
  ObjectPart part = part_from_json(read_json_file(path), path.string());
  require(part.id == plan_.objects[place], "{}: is of \"{}\" instead of \"{}\"", path.string(), part.id, plan_.objects[place]);
  if (const fs::path features = part_path(place, ".safetensors"); fs::exists(features))
    set_part_features(part, read_safetensors(features));
  return part;
}

int64_t ReportFolder::missing() const {
  int64_t count = 0;
  for (size_t place = 0; place < plan_.objects.size(); ++place) count += fs::exists(part_path(place, ".json")) ? 0 : 1;
  return count;
}

ReportContent ReportFolder::merged() const {
  std::vector<ObjectPart> parts;
  std::vector<size_t> absent;
  for (size_t place = 0; place < plan_.objects.size(); ++place) {
    if (fs::exists(part_path(place, ".json"))) {
      parts.push_back(read_part(place));
    } else {
      absent.push_back(parts.size());
      parts.push_back({plan_.objects[place], {}});
    }
  }
  require(absent.size() < parts.size(), "{}: nothing has been scored yet", folder_.string());
  const auto present = std::find_if(parts.begin(), parts.end(), [](const ObjectPart& part) { return !part.methods.empty(); });
  require(present != parts.end(), "{}: its parts name no methods", folder_.string());
  for (const size_t place : absent)
    for (const MethodPart& method : present->methods)
      parts[place].methods.push_back({method.name, method.description, {}, not_yet});
  ReportContent content;
  content.settings = plan_.settings;
  content.needs_weights = plan_.needs_weights;
  content.methods = merge_parts(parts);
  for (const ObjectPart& part : parts)
    if (part.autoencoder) content.autoencoder.push_back(*part.autoencoder);
  return content;
}

}  // namespace gsv3d
