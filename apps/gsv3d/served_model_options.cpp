#if GSV3D_WITH_SERVICE
#include "served_model_options.h"

#include "core/device.h"

namespace gsv3d {
namespace {

bool is_model_name(const std::string& name) {
  constexpr size_t longest = 64;
  const auto fits = [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) || letter == '-' || letter == '_' || letter == '.';
  };
  return !name.empty() && name.size() <= longest && std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

void ServedModelOptions::add_to(CLI::App& command) {
  command
      .add_option(
          "--also-model", also,
          "NAME=FOLDER: a further model, for jobs that ask for it by that name; loaded when the first one does; repeatable")
      ->allow_extra_args(false);
  command
      .add_option("--max-also-models", most_further,
                  "further models in memory at a time; the one not used for longest makes room")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command.add_option("--text-model", text,
                     "model folder of the networks that make pictures from words (gsv3d import --sd; default: each model's own)");
}

std::vector<ServedModel> ServedModelOptions::described(const RunOptions& run) const {
  const at::Device device = run.chosen_device();
  const std::optional<at::ScalarType> dtype = run.dtype == "auto" ? std::nullopt : std::optional(parse_dtype(run.dtype));
  std::vector<ServedModel> models = {served_model(run.model_folder(), "", device, dtype, text)};
  for (const std::string& given : also) {
    const size_t equals = given.find('=');
    const std::string name = given.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == given.size() || !is_model_name(name))
      throw UsageError(
          fmt::format("--also-model {}: NAME=FOLDER is needed, the name of up to 64 letters, digits, '.', '-' and '_'", given));
    models.push_back(served_model(given.substr(equals + 1), name, device, dtype, text));
  }
  return models;
}

}  // namespace gsv3d
#endif
