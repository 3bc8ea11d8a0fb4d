#include "decoder/dinov2_import.h"

#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace gsv3d {
namespace {

using Renaming = std::pair<std::string_view, std::string_view>;  // Hugging Face's name, official name

constexpr std::array<Renaming, 8> top_names = {{
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.mask_token", "mask_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.register_tokens", "register_tokens"},
    {"embeddings.patch_embeddings.projection.weight", "patch_embed.proj.weight"},
    {"embeddings.patch_embeddings.projection.bias", "patch_embed.proj.bias"},
    {"layernorm.weight", "norm.weight"},
    {"layernorm.bias", "norm.bias"},
}};

/// Within one block; ".weight" and ".bias" follow where the name ends in a dot. Two spellings of attention: files, and
/// transformers 5.
constexpr std::array<Renaming, 13> block_names = {{
    {"norm1.", "norm1."},
    {"norm2.", "norm2."},
    {"attention.attention.query.", "attn.q."},
    {"attention.attention.key.", "attn.k."},
    {"attention.attention.value.", "attn.v."},
    {"attention.output.dense.", "attn.proj."},
    {"attention.q_proj.", "attn.q."},
    {"attention.k_proj.", "attn.k."},
    {"attention.v_proj.", "attn.v."},
    {"attention.o_proj.", "attn.proj."},
    {"mlp.", "mlp."},
    {"layer_scale1.lambda1", "ls1.gamma"},
    {"layer_scale2.lambda1", "ls2.gamma"},
}};

bool is_official(std::string_view name) {
  for (const Renaming& renaming : top_names)
    if (name == renaming.second) return true;
  return name.starts_with("blocks.");
}

/// The official name, with attn.q / attn.k / attn.v still apart; empty when the name is unknown.
std::string official_name(std::string_view name) {
  for (const std::string_view prefix : {"dinov2.", "dinov2_with_registers."})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  if (is_official(name)) return std::string(name);
  for (const Renaming& renaming : top_names)
    if (name == renaming.first) return std::string(renaming.second);
  constexpr std::string_view layers = "encoder.layer.";
  if (!name.starts_with(layers)) return {};
  name.remove_prefix(layers.size());
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return {};
  const std::string_view index = name.substr(0, dot), rest = name.substr(dot + 1);
  for (const auto& [from, to] : block_names)
    if (rest.starts_with(from)) return fmt::format("blocks.{}.{}{}", index, to, rest.substr(from.size()));
  return {};
}

}  // namespace

NamedTensors dinov2_official_names(const NamedTensors& tensors) {
  NamedTensors renamed;
  for (const auto& [name, tensor] : tensors) {
    const std::string official = official_name(name);
    require(!official.empty(), "DINOv2 weights: the tensor {} is of neither the official nor Hugging Face's naming", name);
    if (official != "mask_token") renamed[official] = tensor;
  }
  NamedTensors joined;
  for (const auto& [name, tensor] : renamed) {
    const size_t at_q = name.find(".attn.q.");
    if (at_q == std::string::npos) {
      const bool is_part = name.find(".attn.k.") != std::string::npos || name.find(".attn.v.") != std::string::npos;
      if (!is_part) joined[name] = tensor;
      continue;
    }
    std::vector<Tensor> parts;
    for (const char* part : {".attn.q.", ".attn.k.", ".attn.v."}) {
      const std::string part_name = std::string(name).replace(at_q, 8, part);
      require(renamed.count(part_name), "DINOv2 weights: {} is missing", part_name);
      parts.push_back(renamed.at(part_name));
    }
    joined[std::string(name).replace(at_q, 8, ".attn.qkv.")] = at::cat(parts);
  }
  return joined;
}

Dinov2Config dinov2_config_of(const NamedTensors& official) {
  const auto tensor = [&](const std::string& name) {
    const auto found = official.find(name);
    require(found != official.end(), "DINOv2 weights: {} is missing", name);
    return found->second;
  };
  const bool swiglu = official.count("blocks.0.mlp.w12.weight") || official.count("blocks.0.mlp.weights_in.weight");
  require(!swiglu, "DINOv2 weights: the giant model (SwiGLU) is not supported; use small, base or large");
  Dinov2Config config;
  const Tensor projection = tensor("patch_embed.proj.weight"), positions = tensor("pos_embed"),
               fc1 = tensor("blocks.0.mlp.fc1.weight");
  require(projection.dim() == 4 && positions.dim() == 3 && fc1.dim() == 2,
          "DINOv2 weights: pos_embed, patch_embed or mlp have odd shapes");
  config.embed_dim = projection.size(0), config.patch_size = projection.size(3);
  config.num_heads = config.embed_dim / 64;
  config.mlp_ratio = fc1.size(0) / fc1.size(1);
  config.depth = 0;
  while (official.count(fmt::format("blocks.{}.norm1.weight", config.depth))) ++config.depth;
  config.num_register_tokens = official.count("register_tokens") ? official.at("register_tokens").size(1) : 0;
  config.pretrain_image_size = std::lround(std::sqrt(static_cast<double>(positions.size(1) - 1))) * config.patch_size;
  config.image_size = config.pretrain_image_size;
  return config;
}

}  // namespace gsv3d
