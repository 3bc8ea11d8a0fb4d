#include "models/lora_export.h"

#include <algorithm>

#include "core/error.h"
#include "models/lora_file.h"
#include "models/model_folder.h"
#include "models/public_names.h"

namespace gsv3d {
namespace {

constexpr std::string_view down_ending = ".lora_A.weight", up_ending = ".lora_B.weight";

std::string name_of(const std::string& layer, bool down, const VideoUNetConfig& config, LoraNames names) {
  const std::string half(down ? down_ending : up_ending);
  if (names == LoraNames::peft) return "base_model.model." + layer + half;
  const std::string leaf = ".weight", full = diffusers_unet_name(layer + leaf, config);
  std::string other = full.substr(0, full.size() - leaf.size());
  if (names == LoraNames::diffusers) return "unet." + other + half;
  std::replace(other.begin(), other.end(), '.', '_');
  return "lora_unet_" + other + (down ? ".lora_down.weight" : ".lora_up.weight");
}

/// The layer of a lora_A tensor, as PEFT's metadata name it.
std::string layer_of(const std::string& tensor, LoraNames names) {
  const std::string_view prefix = names == LoraNames::diffusers ? "unet." : "base_model.model.";
  return names == LoraNames::kohya ? tensor : tensor.substr(prefix.size(), tensor.size() - prefix.size() - down_ending.size());
}

}  // namespace

NamedLora named_lora(const NamedTensors& lora, double alpha, const VideoUNetConfig& config, LoraNames names) {
  NamedLora result;
  std::map<std::string, int64_t> ranks;  // by the layer's name in the file
  int64_t most = 0;
  const bool folded = names == LoraNames::diffusers;
  const auto alpha_of = [&](int64_t rank) { return alpha > 0 && !folded ? alpha : static_cast<double>(rank); };
  for (const auto& [name, tensor] : lora) {
    const bool down = name.ends_with(down_ending);
    const std::string layer = name.substr(0, name.size() - down_ending.size()), own = name_of(layer, down, config, names);
    const double strength = alpha > 0 && folded && !down ? alpha / static_cast<double>(tensor.size(1)) : 1;
    result.tensors.emplace(own, strength == 1 ? tensor : (tensor.to(at::kFloat) * strength).to(tensor.scalar_type()));
    if (!down) continue;
    const int64_t rank = tensor.size(0);
    most = std::max(most, rank);
    ranks[layer_of(own, names)] = rank;
    if (names == LoraNames::kohya)
      result.tensors.emplace(own.substr(0, own.find(".lora_down")) + ".alpha", at::full({}, alpha_of(rank), at::kFloat));
  }
  if (names == LoraNames::kohya) {
    result.header = {{"ss_network_module", "networks.lora"},
                     {"ss_network_dim", std::to_string(most)},
                     {"ss_network_alpha", fmt::format("{:g}", alpha_of(most))}};
    return result;
  }
  // What diffusers looks for (LORA_ADAPTER_METADATA_KEY); keys begin with the component that the tensors are of.
  const std::string prefix = names == LoraNames::diffusers ? "unet." : "";
  Json metadata = {{prefix + "r", most}, {prefix + "lora_alpha", alpha_of(most)}};
  for (const auto& [layer, rank] : ranks) {
    metadata[prefix + "target_modules"].push_back(layer);
    if (rank == most) continue;
    metadata[prefix + "rank_pattern"][layer] = rank;
    metadata[prefix + "alpha_pattern"][layer] = alpha_of(rank);
  }
  result.header = {{"lora_adapter_metadata", json_text(metadata)}};
  return result;
}

void export_lora(const std::filesystem::path& model, LoraNames names, const std::filesystem::path& output) {
  const ModelConfig config = read_model_config(model);
  const std::filesystem::path path = model / "distilled_lora.safetensors";
  require(std::filesystem::exists(path), "{}: the model has no LoRA: gsv3d train distill makes one", path.string());
  const NamedLora named = named_lora(read_lora(path), config.lora_alpha, config.unet, names);
  write_safetensors(output, named.tensors, named.header);
}

}  // namespace gsv3d
