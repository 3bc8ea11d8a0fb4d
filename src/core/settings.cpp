#include "core/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/spelling.h"

namespace gsv3d {
namespace {

/// All of a text as one number.
template <class Number>
Json number(std::string_view text, const char* kind) {
  Number value = {};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    throw UsageError(fmt::format("\"{}\" is not a {}", text, kind));
  return value;
}

/// "0.3:20", "4", "none".
Json numbers(std::string_view text) {
  Json list = Json::array();
  if (text == "none") return list;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(':', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    const bool whole = !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    list.push_back(whole ? number<int64_t>(part, "number") : number<double>(part, "number"));
    begin = end + 1;
  }
  return list;
}

Json value_of(const DescribedSetting& setting, const std::string& text) {
  if (setting.value.is_boolean()) {
    if (text != "true" && text != "false") throw UsageError(fmt::format("\"{}\" is neither true nor false", text));
    return text == "true";
  }
  if (setting.value.is_number_unsigned()) return number<uint64_t>(text, "whole number from 0 to 2^64 - 1");
  if (setting.value.is_number_integer()) return number<int64_t>(text, "whole number");
  if (setting.value.is_number()) return number<double>(text, "number");
  if (setting.value.is_array()) return numbers(text);
  return text;
}

const DescribedSetting* find(const std::vector<DescribedSetting>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& setting) { return setting.name() == name; });
  return found == all.end() ? nullptr : &*found;
}

/// The value as people write it: 99 and nan, where JSON has 99.0 and null.
std::string shown(const Json& value) {
  return value.is_number_float() ? fmt::format("{}", value.get<double>()) : config_detail::excerpt(value);
}

/// "outside 0 … 1"; "not 0 or more" where there is no upper limit.
std::string outside(const Setting& setting) {
  if (std::isfinite(setting.high)) return fmt::format("outside {} … {}", setting.low, setting.high);
  return std::isfinite(setting.low) ? fmt::format("not {} or more", setting.low) : "not finite";
}

bool within(const Setting& setting, const Json& value) {
  if (value.is_array()) return std::all_of(value.begin(), value.end(), [&](const Json& item) { return within(setting, item); });
  if (!value.is_number()) return true;
  const double number = value.get<double>();
  return std::isfinite(number) && number >= setting.low && number <= setting.high;
}

}  // namespace

std::string problem_of(const DescribedSetting& described, const Json& value) {
  const Setting& setting = described.setting;
  if (!within(setting, value)) return fmt::format("{} is {}", shown(value), outside(setting));
  if (!setting.choices.empty() && std::find(setting.choices.begin(), setting.choices.end(), value) == setting.choices.end())
    return fmt::format("{} is unknown: use one of {}", shown(value), fmt::join(setting.choices, ", "));
  const std::string problem = setting.problem ? setting.problem(value) : "";
  return problem.empty() ? "" : fmt::format("{} {}", shown(value), problem);
}

Json parse_setting(const std::vector<DescribedSetting>& all, const DescribedSetting& setting, const std::string& text) {
  Json changes = Json::object();
  if (setting.setting.parse)
    changes = setting.setting.parse(text);
  else
    changes[setting.name()] = value_of(setting, text);
  for (const auto& [name, value] : changes.items()) {
    const DescribedSetting* changed = find(all, name);
    require(changed, "\"{}\" is said by \"{}\" but is no setting", name, setting.name());
    if (const std::string problem = problem_of(*changed, value); !problem.empty()) throw UsageError(problem);
  }
  return changes;
}

void settings_detail::check(const std::vector<DescribedSetting>& all, const std::string& where) {
  for (const DescribedSetting& setting : all) {
    const std::string problem = problem_of(setting, setting.value);
    require(problem.empty(), "{}.{} = {}", where, setting.key, problem);
  }
}

Json settings_detail::changed(const std::vector<DescribedSetting>& all, const Json& changes, const std::string& where) {
  Json json = Json::object();
  for (const DescribedSetting& setting : all) json[setting.key] = setting.value;
  if (changes.is_null()) return json;
  require(changes.is_object(), "{}: expected an object, found {}", where, changes.type_name());
  for (const auto& [name, value] : changes.items()) {
    const DescribedSetting* setting = find(all, name);
    if (!setting) {
      std::vector<std::string> names;
      for (const DescribedSetting& known : all) names.push_back(known.name());
      const std::string meant = did_you_mean(name, names);
      throw UsageError(fmt::format("{}: unknown setting \"{}\"{}", where, name,
                                   meant.empty() ? fmt::format(": use one of {}", fmt::join(names, ", ")) : meant));
    }
    if (const std::string problem = problem_of(*setting, value); !problem.empty())
      throw UsageError(fmt::format("{}.{} = {}", where, name, problem));
    json[setting->key] = value;
  }
  return json;
}

Json settings_detail::by_name(const std::vector<DescribedSetting>& all) {
  Json json = Json::object();
  for (const DescribedSetting& setting : all) json[setting.name()] = setting.value;
  return json;
}

}  // namespace gsv3d
