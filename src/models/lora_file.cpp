#include "models/lora_file.h"

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr std::string_view peft_prefix = "base_model.model.";
constexpr std::string_view down_ending = ".lora_A.weight", up_ending = ".lora_B.weight";

}  // namespace

NamedTensors read_lora(const std::filesystem::path& path) {
  NamedTensors plain;
  for (auto& [name, tensor] : read_safetensors(path)) {
    const std::string short_name = name.starts_with(peft_prefix) ? name.substr(peft_prefix.size()) : name;
    require(short_name.ends_with(down_ending) || short_name.ends_with(up_ending),
            "{}: tensor \"{}\" is not part of a LoRA (expected ….lora_A.weight or ….lora_B.weight)", path.string(), name);
    require(tensor.dim() == 2 && at::isFloatingType(tensor.scalar_type()), "{}: tensor \"{}\" is not a floating-point matrix",
            path.string(), name);
    plain.emplace(short_name, tensor);
  }
  require(!plain.empty(), "{}: it holds no tensors", path.string());
  for (const auto& [name, tensor] : plain) {
    const bool down = name.ends_with(down_ending);
    const std::string layer = name.substr(0, name.size() - down_ending.size());
    const auto partner = plain.find(layer + std::string(down ? up_ending : down_ending));
    require(partner != plain.end(), "{}: tensor \"{}\" has no partner", path.string(), name);
    require(tensor.size(down ? 0 : 1) == partner->second.size(down ? 1 : 0), "{}: tensors of layer \"{}\" have different ranks",
            path.string(), layer);
  }
  return plain;
}

NamedTensors merged_lora_weights(const NamedTensors& weights, const NamedTensors& lora, double alpha,
                                 const std::filesystem::path& path) {
  NamedTensors merged;
  for (const auto& [name, down] : lora) {
    if (!name.ends_with(down_ending)) continue;
    const std::string layer = name.substr(0, name.size() - down_ending.size());
    const auto weight = weights.find(layer + ".weight");
    require(weight != weights.end(), "{}: the model has no layer \"{}\"", path.string(), layer);
    const Tensor& up = lora.at(layer + std::string(up_ending));
    require(weight->second.dim() == 2 && weight->second.size(0) == up.size(0) && weight->second.size(1) == down.size(1),
            "{}: layer \"{}\" does not have the model's shape", path.string(), layer);
    const double rank = static_cast<double>(down.size(0));
    const Tensor change = at::matmul(up.to(at::kFloat), down.to(at::kFloat)) * ((alpha > 0 ? alpha : rank) / rank);
    merged.emplace(layer + ".weight", weight->second.to(at::kFloat) + change);
  }
  return merged;
}

}  // namespace gsv3d
