#include "training/checkpoint.h"

#include <c10/core/GradMode.h>

#include <charconv>

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr const char* kFormat = "gsv3d training checkpoint 1";

template <class Number>
Number number(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  require(found != file.metadata().end(), "{}: no \"{}\" in the checkpoint's metadata", file.path().string(), key);
  Number value{};
  const std::string& text = found->second;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  require(result.ec == std::errc() && result.ptr == text.data() + text.size(), "{}: \"{}\" is \"{}\", expected a number",
          file.path().string(), key, text);
  return value;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const TrainingCheckpoint& checkpoint) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : checkpoint.parameters) tensors["parameter/" + name] = tensor.detach();
  for (const auto& [name, tensor] : checkpoint.ema) tensors["ema/" + name] = tensor;
  for (const auto& [name, tensor] : checkpoint.adam_means) tensors["adam_mean/" + name] = tensor;
  for (const auto& [name, tensor] : checkpoint.adam_squares) tensors["adam_square/" + name] = tensor;
  if (checkpoint.pending_metrics.defined()) tensors["pending_metrics"] = checkpoint.pending_metrics;
  write_safetensors(path, tensors,
                    {{"format", kFormat},
                     {"step", std::to_string(checkpoint.step)},
                     {"updates", std::to_string(checkpoint.updates)},
                     {"elapsed_seconds", fmt::format("{}", checkpoint.elapsed_seconds)},
                     {"settings_fingerprint", checkpoint.settings_fingerprint}});
}

TrainingCheckpoint load_checkpoint(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  const auto format = file.metadata().find("format");
  require(format != file.metadata().end() && format->second == kFormat, "{}: not a training checkpoint of this program",
          path.string());
  TrainingCheckpoint checkpoint;
  checkpoint.step = number<int64_t>(file, "step");
  checkpoint.updates = number<int64_t>(file, "updates");
  checkpoint.elapsed_seconds = number<double>(file, "elapsed_seconds");
  if (const auto found = file.metadata().find("settings_fingerprint"); found != file.metadata().end())
    checkpoint.settings_fingerprint = found->second;
  const std::pair<std::string, NamedTensors*> parts[] = {{"parameter/", &checkpoint.parameters},
                                                         {"ema/", &checkpoint.ema},
                                                         {"adam_mean/", &checkpoint.adam_means},
                                                         {"adam_square/", &checkpoint.adam_squares}};
  for (const auto& [name, entry] : file.entries()) {
    for (const auto& [prefix, tensors] : parts) {
      if (name.starts_with(prefix)) (*tensors)[name.substr(prefix.size())] = file.tensor(name);
    }
  }
  if (file.contains("pending_metrics")) checkpoint.pending_metrics = file.tensor("pending_metrics").clone();
  return checkpoint;
}

void restore_tensors(NamedTensors& into, const NamedTensors& from, const std::string& what) {
  const c10::NoGradGuard no_grad;
  for (auto& [name, tensor] : into) {
    const auto found = from.find(name);
    require(found != from.end(), "{}: no tensor \"{}\"", what, name);
    require(found->second.sizes() == tensor.sizes(), "{}: tensor \"{}\" has another shape than the model's", what, name);
    tensor.copy_(found->second);
  }
  for (const auto& [name, tensor] : from) require(into.count(name), "{}: tensor \"{}\" is not part of the model", what, name);
}

}  // namespace gsv3d
