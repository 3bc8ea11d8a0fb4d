// Settings described once, beside the field that holds them: what they are for, which values make sense, how people write them.
// From that line follow the key in JSON and its check, the option of the command line with its help, changes by name through the
// library, and the entry in result.json.
//
//   struct SamplerConfig {
//     int64_t steps = 50;
//     template <class Visitor> void fields(Visitor& visit) {
//       visit("steps", steps, Setting{.help = "denoising steps", .low = 1, .high = 10'000});
//     }
//   };
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "core/config.h"

namespace gsv3d {

/// What a field's type and default do not say. Fields without it are keys of the JSON file and entries of records, no more.
struct Setting {
  std::string help = {};  ///< one line; the command line adds the default
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();  ///< numbers, included
  std::vector<std::string> choices = {};                                                                  ///< texts; empty: any
  std::string name = {};                                ///< what people call it, where that is not the key of the JSON file
  bool option = true;                                   ///< has an option --name on the command line
  std::string (*problem)(const Json& value) = nullptr;  ///< what else may be wrong with a value, empty for nothing
  Json (*parse)(const std::string& text) = nullptr;     ///< a text that may say several settings: {name: value, ...}
};

/// One field of a struct of settings, whatever its type.
struct DescribedSetting {
  std::string key;  ///< in the JSON file
  Setting setting;
  Json value;  ///< in the struct that was described
  const std::string& name() const { return setting.name.empty() ? key : setting.name; }
};

/// What is wrong with a value ("0 is outside 1 … 10000"), empty for nothing. The only place where that is worded.
std::string problem_of(const DescribedSetting& setting, const Json& value);

/// A value as people write it: 20, 0.5, euler, true, or numbers with colons (0.3:20; none) → {name: value}, and other settings as
/// well where Setting::parse says so. Throws UsageError for texts that are no such value, and for values with a problem_of().
Json parse_setting(const std::vector<DescribedSetting>& all, const DescribedSetting& setting, const std::string& text);

namespace settings_detail {

struct Collector {
  std::vector<DescribedSetting> all;
  template <class T>
  void operator()(const char* key, T& value, Setting setting = {.option = false}) {
    all.push_back({key, std::move(setting), config_detail::write(value)});
  }
};

void check(const std::vector<DescribedSetting>& all, const std::string& where);
Json changed(const std::vector<DescribedSetting>& all, const Json& changes, const std::string& where);
Json by_name(const std::vector<DescribedSetting>& all);

}  // namespace settings_detail

/// The fields of a struct in the order of its fields().
template <class T>
std::vector<DescribedSetting> described_settings(const T& value) {
  settings_detail::Collector collector;
  const_cast<T&>(value).fields(collector);  // fields() serves readers and writers, so it is not const
  return std::move(collector.all);
}

/// Throws Error "WHERE.KEY = 0 is outside 1 … 10000" for the first value with a problem.
template <class T>
void check_settings(const T& value, const std::string& where) {
  settings_detail::check(described_settings(value), where);
}

/// A copy in which the settings named in `changes` (a JSON object) have its values. Throws UsageError for unknown names and
/// values with a problem, Error for wrong types; `where` begins the message.
template <class T>
T with_settings(const T& value, const Json& changes, const std::string& where) {
  return config_from_json<T>(settings_detail::changed(described_settings(value), changes, where), where);
}

/// {name: value} of all fields, for records of a run.
template <class T>
Json settings_by_name(const T& value) {
  return settings_detail::by_name(described_settings(value));
}

}  // namespace gsv3d
