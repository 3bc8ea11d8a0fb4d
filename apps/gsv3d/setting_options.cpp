#include "setting_options.h"

#include <algorithm>
#include <cmath>

namespace gsv3d {
namespace {

/// The values that are allowed, as CLI11 shows them behind the option's name.
std::string allowed_values(const Setting& setting) {
  if (!setting.choices.empty()) return fmt::format("{{{}}}", fmt::join(setting.choices, ","));
  // A text that may say several settings has values of its own.
  return !setting.parse && std::isfinite(setting.low) && std::isfinite(setting.high)
             ? fmt::format("{} to {}", setting.low, setting.high)
             : "";
}

std::string option_name(const DescribedSetting& setting) {
  std::string name = setting.name();
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string help_of(const DescribedSetting& setting, DefaultWords words) {
  if (words == DefaultWords::kModels) return setting.setting.help + " (default: the model's)";
  const bool says_itself = setting.value.is_null() || setting.value == "" || setting.value == 0;
  return says_itself ? setting.setting.help : fmt::format("{} (default: {})", setting.setting.help, json_text(setting.value));
}

}  // namespace

void add_setting_options(CLI::App& command, const std::vector<DescribedSetting>& settings, Json& changes, DefaultWords words) {
  for (const DescribedSetting& setting : settings) {
    if (!setting.setting.option) continue;
    const std::string name = option_name(setting), help = help_of(setting, words);
    if (setting.value.is_boolean()) {
      command.add_flag_function(
          fmt::format("--{0},!--no-{0}", name), [&changes, key = setting.name()](int64_t count) { changes[key] = count > 0; },
          help);
      continue;
    }
    const auto check = [settings, setting](std::string& text) -> std::string {
      try {
        parse_setting(settings, setting, text);
        return "";
      } catch (const UsageError& error) {
        return error.what();
      }
    };
    const auto take = [&changes, settings, setting](const std::string& text) {
      changes.update(parse_setting(settings, setting, text));
    };
    command.add_option_function<std::string>("--" + name, take, help)
        ->check(CLI::Validator(check, allowed_values(setting.setting)))
        ->type_name(setting.value.is_string()           ? "TEXT"
                    : setting.value.is_number_integer() ? "INT"
                                                        : "VALUE");
  }
}

}  // namespace gsv3d
