#include "models/lora_import.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "core/config.h"
#include "core/error.h"
#include "models/checkpoint.h"
#include "models/public_names.h"
#include "models/sv3d_source.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

enum class Role { kDown, kUp, kAlpha };

constexpr std::array<std::pair<std::string_view, Role>, 11> endings = {{{".lora_A.weight", Role::kDown},
                                                                        {".lora_B.weight", Role::kUp},
                                                                        {".lora_A.default.weight", Role::kDown},
                                                                        {".lora_B.default.weight", Role::kUp},
                                                                        {".lora_down.weight", Role::kDown},
                                                                        {".lora_up.weight", Role::kUp},
                                                                        {".lora.down.weight", Role::kDown},
                                                                        {".lora.up.weight", Role::kUp},
                                                                        {"_lora.down.weight", Role::kDown},
                                                                        {"_lora.up.weight", Role::kUp},
                                                                        {".alpha", Role::kAlpha}}};
constexpr std::array<std::string_view, 5> beginnings = {"base_model.model.", "unet.", "model.diffusion_model.",
                                                        "diffusion_model.", "lora_unet_"};

struct Pair {
  Tensor down, up;
  std::optional<double> alpha;
};

std::string underscored(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

/// Every spelling of a linear layer of the UNet → our name of it. Kohya's spelling has '_' for '.'.
std::map<std::string, std::string> layer_spellings(const NamedTensors& shapes, const VideoUNetConfig& config) {
  constexpr std::string_view leaf = ".weight";
  std::map<std::string, std::string> layers;
  for (const auto& [name, tensor] : shapes) {
    if (!name.ends_with(leaf) || tensor.dim() != 2) continue;
    const std::string layer = name.substr(0, name.size() - leaf.size());
    std::string other = diffusers_unet_name(name, config);
    other.resize(other.size() - leaf.size());
    for (const std::string& spelling : {layer, other}) layers[spelling] = layers[underscored(spelling)] = layer;
  }
  return layers;
}

/// The layer's name as the file spells it, without what surrounds it.
std::string bare_layer(std::string_view name, std::string_view ending) {
  name.remove_suffix(ending.size());
  for (bool again = true; std::exchange(again, false);) {
    for (const std::string_view beginning : beginnings) {
      if (!name.starts_with(beginning)) continue;
      name.remove_prefix(beginning.size());
      again = true;
    }
  }
  std::string layer(name);
  constexpr std::string_view processor = ".processor.";  // diffusers before 0.22
  if (const size_t at = layer.find(processor); at != layer.npos) {
    layer = layer.substr(0, at) + layer.substr(at + processor.size() - 1);
    if (layer.ends_with(".to_out")) layer += ".0";
  }
  return layer;
}

/// alpha and whether it is divided by the root of the rank (rsLoRA), from PEFT's adapter_config.json.
struct PeftScale {
  std::optional<double> alpha;
  bool root = false;
};

PeftScale peft_scale(const fs::path& file) {
  PeftScale scale;
  const fs::path path = (fs::is_directory(file) ? file : file.parent_path()) / "adapter_config.json";
  if (!fs::exists(path)) return scale;
  const Json json = read_json_file(path);
  if (json.contains("lora_alpha") && json["lora_alpha"].is_number()) scale.alpha = json["lora_alpha"].get<double>();
  scale.root = json.value("use_rslora", false);
  require(!json.value("use_dora", false), "{}: DoRA is not supported, only LoRA", path.string());
  return scale;
}

std::map<std::string, Pair> collect(const fs::path& path, const NamedTensors& shapes, const VideoUNetConfig& config) {
  const NamedTensors tensors = read_safetensors(path);
  const auto layers = layer_spellings(shapes, config);
  std::map<std::string, Pair> pairs;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  for (const auto& [name, tensor] : tensors) {
    const auto ending =
        std::find_if(endings.begin(), endings.end(), [&name = name](const auto& known) { return name.ends_with(known.first); });
    require(ending != endings.end(), "{}: not a LoRA: tensor \"{}\" is no part of one; the file seems to be {}", path.string(),
            name, describe_checkpoint(names));
    const auto layer = layers.find(bare_layer(name, ending->first));
    require(layer != layers.end(), "{}: tensor \"{}\" adapts a layer that is not one of the UNet's linear layers", path.string(),
            name);
    require(at::isFloatingType(tensor.scalar_type()) || ending->second == Role::kAlpha, "{}: tensor \"{}\" is not floating-point",
            path.string(), name);
    Pair& pair = pairs[layer->second];
    if (ending->second == Role::kAlpha) {
      require(tensor.numel() == 1, "{}: tensor \"{}\" is not one number", path.string(), name);
      pair.alpha = tensor.to(at::kDouble).item<double>();
    } else {
      (ending->second == Role::kDown ? pair.down : pair.up) = tensor;
    }
  }
  return pairs;
}

}  // namespace

NamedTensors import_lora(const fs::path& path, const VideoUNetConfig& config, double weight) {
  ModelConfig model;
  model.unet = config;
  const NamedTensors shapes = part_shapes("unet", model);
  const PeftScale peft = peft_scale(path);
  NamedTensors plain;
  for (const auto& [layer, pair] : collect(path, shapes, config)) {
    require(pair.down.defined() && pair.up.defined(), "{}: layer \"{}\" has only one half of its pair", path.string(), layer);
    const Tensor& base = shapes.at(layer + ".weight");
    require(pair.down.dim() == 2 && pair.up.dim() == 2 && pair.down.size(0) == pair.up.size(1) && pair.down.size(0) > 0 &&
                pair.up.size(0) == base.size(0) && pair.down.size(1) == base.size(1),
            "{}: layer \"{}\" does not have the model's shape", path.string(), layer);
    const auto rank = static_cast<double>(pair.down.size(0));
    const double alpha = pair.alpha.value_or(peft.alpha.value_or(rank));
    const double scale = weight * alpha / (!pair.alpha && peft.alpha && peft.root ? std::sqrt(rank) : rank);
    require(std::isfinite(scale), "{}: layer \"{}\" has an alpha that is not a number", path.string(), layer);
    plain.emplace(layer + ".lora_A.weight", pair.down.to(at::kFloat));
    plain.emplace(layer + ".lora_B.weight", pair.up.to(at::kFloat) * scale);
  }
  require(!plain.empty(), "{}: it holds no tensors", path.string());
  return plain;
}

}  // namespace gsv3d
