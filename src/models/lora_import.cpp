#include "models/lora_import.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "core/error.h"
#include "models/checkpoint.h"
#include "models/lora_scales.h"
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
  std::optional<double> alpha;  // of the file's own tensors
  std::string spelling;         // the layer as the file names it
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

/// Without what PEFT calls the wrapped network.
std::string layer_in_file(const std::string& name, std::string_view ending) {
  const std::string layer = name.substr(0, name.size() - ending.size());
  return layer.starts_with(beginnings.front()) ? layer.substr(beginnings.front().size()) : layer;
}

/// The layer's name as the file spells it, without what surrounds it.
std::string bare_layer(std::string_view name) {
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

}  // namespace

std::string other_adapter(const std::vector<std::string>& names) {
  constexpr std::array<std::pair<std::string_view, const char*>, 6> kinds = {{{"lora_magnitude_vector", "DoRA"},
                                                                              {"dora_scale", "DoRA"},
                                                                              {"hada_w1", "LoHa"},
                                                                              {"lokr_w1", "LoKr"},
                                                                              {"oft_blocks", "OFT"},
                                                                              {"lora_mid", "Tucker decomposition"}}};
  for (const auto& [part, kind] : kinds) {
    if (std::any_of(names.begin(), names.end(), [&part = part](const std::string& name) { return name.find(part) != name.npos; }))
      return kind;
  }
  return "";
}

namespace {

[[noreturn]] void refuse(const fs::path& path, const std::string& tensor, const std::vector<std::string>& names) {
  if (const std::string kind = other_adapter(names); !kind.empty())
    fail("{}: an adapter of the kind {} (tensor \"{}\"): only plain LoRA is supported", path.string(), kind, tensor);
  const bool partly = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return std::any_of(endings.begin(), endings.end(), [&](const auto& known) { return name.ends_with(known.first); });
  });
  if (partly)
    fail("{}: tensor \"{}\" is no part of a LoRA, though others are: a kind that is not supported", path.string(), tensor);
  fail("{}: not a LoRA: tensor \"{}\" is no part of one; the file seems to be {}", path.string(), tensor,
       describe_checkpoint(names));
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
    if (ending == endings.end()) refuse(path, name, names);
    const auto layer = layers.find(bare_layer(layer_in_file(name, ending->first)));
    require(layer != layers.end(), "{}: tensor \"{}\" adapts a layer that is not one of the UNet's linear layers", path.string(),
            name);
    require(at::isFloatingType(tensor.scalar_type()) || ending->second == Role::kAlpha, "{}: tensor \"{}\" is not floating-point",
            path.string(), name);
    Pair& pair = pairs[layer->second];
    pair.spelling = layer_in_file(name, ending->first);
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
  const LoraScales scales = read_lora_scales(path);
  NamedTensors plain;
  for (const auto& [layer, pair] : collect(path, shapes, config)) {
    require(pair.down.defined() && pair.up.defined(), "{}: layer \"{}\" has only one half of its pair", path.string(), layer);
    const Tensor& base = shapes.at(layer + ".weight");
    require(pair.down.dim() == 2 && pair.up.dim() == 2 && pair.down.size(0) == pair.up.size(1) && pair.down.size(0) > 0 &&
                pair.up.size(0) == base.size(0) && pair.down.size(1) == base.size(1),
            "{}: layer \"{}\" does not have the model's shape", path.string(), layer);
    const double scale = weight * scales.of(pair.spelling, pair.down.size(0), pair.alpha);
    require(std::isfinite(scale), "{}: layer \"{}\" has an alpha that is not a number", path.string(), layer);
    plain.emplace(layer + ".lora_A.weight", pair.down.to(at::kFloat));
    plain.emplace(layer + ".lora_B.weight", pair.up.to(at::kFloat) * scale);
  }
  require(!plain.empty(), "{}: it holds no tensors", path.string());
  return plain;
}

}  // namespace gsv3d
