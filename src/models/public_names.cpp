#include "models/public_names.h"

#include <array>
#include <charconv>
#include <utility>

#include "core/error.h"

namespace gsv3d {
namespace {

using Renaming = std::pair<std::string_view, std::string_view>;  // our beginning of a name, the source's

constexpr std::string_view clip_prefix = "conditioner.embedders.0.open_clip.model.";
constexpr std::string_view vae_prefix = "conditioner.embedders.1.encoder.";

/// The first beginning that fits is replaced; without one the name stays.
template <size_t count>
std::string renamed(std::string_view name, const std::array<Renaming, count>& renamings) {
  for (const auto& [from, to] : renamings)
    if (name.starts_with(from)) return std::string(to) + std::string(name.substr(from.size()));
  return std::string(name);
}

/// Takes "12." from the beginning of a name.
int64_t take_index(std::string_view& name) {
  int64_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  require(error == std::errc() && end < name.data() + name.size() && *end == '.', "\"{}\" does not begin with an index", name);
  name.remove_prefix(static_cast<size_t>(end - name.data()) + 1);
  return index;
}

bool take(std::string_view& name, std::string_view beginning) {
  if (!name.starts_with(beginning)) return false;
  name.remove_prefix(beginning.size());
  return true;
}

constexpr std::array<Renaming, 6> res_block_names = {{{"in_layers.0.", "norm1."},
                                                      {"in_layers.2.", "conv1."},
                                                      {"emb_layers.1.", "time_emb_proj."},
                                                      {"out_layers.0.", "norm2."},
                                                      {"out_layers.3.", "conv2."},
                                                      {"skip_connection.", "conv_shortcut."}}};

std::string res_block_name(std::string_view rest, bool temporal) {
  if (!temporal) return renamed(rest, res_block_names);
  if (rest.starts_with("time_mixer.")) return std::string(rest);
  if (take(rest, "time_stack.")) return "temporal_res_block." + renamed(rest, res_block_names);
  return "spatial_res_block." + renamed(rest, res_block_names);
}

constexpr std::array<Renaming, 3> transformer_names = {{{"time_stack.", "temporal_transformer_blocks."},
                                                        {"time_pos_embed.0.", "time_pos_embed.linear_1."},
                                                        {"time_pos_embed.2.", "time_pos_embed.linear_2."}}};

constexpr std::array<Renaming, 7> unet_top_names = {{{"time_embed.0.", "time_embedding.linear_1."},
                                                     {"time_embed.2.", "time_embedding.linear_2."},
                                                     {"label_emb.0.0.", "add_embedding.linear_1."},
                                                     {"label_emb.0.2.", "add_embedding.linear_2."},
                                                     {"input_blocks.0.0.", "conv_in."},
                                                     {"out.0.", "conv_norm_out."},
                                                     {"out.2.", "conv_out."}}};

std::string clip_block_name(std::string_view rest) {
  constexpr std::array<Renaming, 5> names = {{{"ln_1.", "layer_norm1."},
                                              {"ln_2.", "layer_norm2."},
                                              {"attn.out_proj.", "self_attn.out_proj."},
                                              {"mlp.c_fc.", "mlp.fc1."},
                                              {"mlp.c_proj.", "mlp.fc2."}}};
  return renamed(rest, names);
}

}  // namespace

TensorRecipe official_sv3d_source(std::string_view part, const std::string& name) {
  if (part == "unet") return {{"model.diffusion_model." + name}};
  if (part == "image_embedder") return {{std::string(clip_prefix) + name}};
  // Views are decoded with the first stage's decoder; its encoder is the conditioner's.
  return {{name.starts_with("decoder.") ? "first_stage_model." + name : std::string(vae_prefix) + name}};
}

namespace {

/// `temporal`: of blocks with a half over frames.
std::string diffusers_block_name(const std::string& name, const UNetConfig& config, bool temporal) {
  std::string_view rest = name;
  if (take(rest, "middle_block.")) {
    const int64_t index = take_index(rest);
    if (index == 1) return "mid_block.attentions.0." + renamed(rest, transformer_names);
    return fmt::format("mid_block.resnets.{}.{}", index / 2, res_block_name(rest, temporal));
  }
  const bool down = rest.starts_with("input_blocks.") && !rest.starts_with("input_blocks.0."),
             up = rest.starts_with("output_blocks.");
  if (!down && !up) return renamed(rest, unet_top_names);
  take(rest, down ? "input_blocks." : "output_blocks.");
  const int64_t index = take_index(rest) - (down ? 1 : 0), layers = config.num_res_blocks + 1;
  const int64_t block = index / layers, layer = index % layers;
  const int64_t part = take_index(rest);
  const std::string place = fmt::format("{}_blocks.{}.", down ? "down" : "up", block);
  if (take(rest, "op.")) return fmt::format("{}downsamplers.0.conv.{}", place, rest);
  if (take(rest, "conv.")) return fmt::format("{}upsamplers.0.conv.{}", place, rest);
  if (part == 1) return fmt::format("{}attentions.{}.{}", place, layer, renamed(rest, transformer_names));
  return fmt::format("{}resnets.{}.{}", place, layer, res_block_name(rest, temporal));
}

/// q, k and v of a block, which transformers keeps apart, or its other layers.
TensorRecipe clip_layer_source(std::string_view rest, const std::string& prefix) {
  const std::string place = fmt::format("{}{}.", prefix, take_index(rest));
  if (!take(rest, "attn.in_proj_")) return {{place + clip_block_name(rest)}};
  TensorRecipe joined;
  for (const char* part : {"q", "k", "v"}) joined.parts.push_back(fmt::format("{}self_attn.{}_proj.{}", place, part, rest));
  return joined;
}

}  // namespace

std::string diffusers_unet_name(const std::string& name, const VideoUNetConfig& config) {
  return diffusers_block_name(name, config, /*temporal=*/true);
}

std::string diffusers_unet_name(const std::string& name, const UNet2DConfig& config) {
  return diffusers_block_name(name, config, /*temporal=*/false);
}

TensorRecipe transformers_text_source(const std::string& name) {
  constexpr std::array<Renaming, 3> names = {{{"token_embedding.", "text_model.embeddings.token_embedding."},
                                              {"positional_embedding", "text_model.embeddings.position_embedding.weight"},
                                              {"ln_final.", "text_model.final_layer_norm."}}};
  std::string_view rest = name;
  if (!take(rest, "transformer.resblocks.")) return {{renamed(rest, names)}};
  return clip_layer_source(rest, "text_model.encoder.layers.");
}

std::string diffusers_vae_name(const std::string& name, const AutoencoderConfig& config, bool old_attention) {
  constexpr std::array<Renaming, 8> names = {{{"norm_out.", "conv_norm_out."},
                                              {"mid.block_1.", "mid_block.resnets.0."},
                                              {"mid.block_2.", "mid_block.resnets.1."},
                                              {"mid.attn_1.norm.", "mid_block.attentions.0.group_norm."},
                                              {"mid.attn_1.q.", "mid_block.attentions.0.to_q."},
                                              {"mid.attn_1.k.", "mid_block.attentions.0.to_k."},
                                              {"mid.attn_1.v.", "mid_block.attentions.0.to_v."},
                                              {"mid.attn_1.proj_out.", "mid_block.attentions.0.to_out.0."}}};
  constexpr std::array<Renaming, 4> old_names = {{{"mid.attn_1.q.", "mid_block.attentions.0.query."},
                                                  {"mid.attn_1.k.", "mid_block.attentions.0.key."},
                                                  {"mid.attn_1.v.", "mid_block.attentions.0.value."},
                                                  {"mid.attn_1.proj_out.", "mid_block.attentions.0.proj_attn."}}};
  std::string_view rest = name;
  const bool encoder = take(rest, "encoder.");
  if (!encoder && !take(rest, "decoder.")) return name;  // quant_conv
  const std::string side = encoder ? "encoder." : "decoder.";
  const bool down = rest.starts_with("down."), up = rest.starts_with("up.");
  if (!down && !up) {
    if (const std::string old = renamed(rest, old_names); old_attention && old != rest) return side + old;
    return side + renamed(rest, names);
  }
  take(rest, down ? "down." : "up.");
  const int64_t level = take_index(rest);
  // diffusers counts the decoder's blocks in the order in which they run.
  const int64_t block = down ? level : static_cast<int64_t>(config.ch_mult.size()) - 1 - level;
  const std::string place = fmt::format("{}{}_blocks.{}.", side, down ? "down" : "up", block);
  if (take(rest, "downsample.")) return fmt::format("{}downsamplers.0.{}", place, rest);
  if (take(rest, "upsample.")) return fmt::format("{}upsamplers.0.{}", place, rest);
  require(take(rest, "block."), "autoencoder: unexpected name {}", name);
  const int64_t layer = take_index(rest);
  constexpr std::array<Renaming, 1> block_names = {{{"nin_shortcut.", "conv_shortcut."}}};
  return fmt::format("{}resnets.{}.{}", place, layer, renamed(rest, block_names));
}

TensorRecipe transformers_clip_source(const std::string& name) {
  constexpr std::array<Renaming, 5> names = {{{"class_embedding", "vision_model.embeddings.class_embedding"},
                                              {"conv1.weight", "vision_model.embeddings.patch_embedding.weight"},
                                              {"positional_embedding", "vision_model.embeddings.position_embedding.weight"},
                                              {"ln_pre.", "vision_model.pre_layrnorm."},  // spelt so in every file
                                              {"ln_post.", "vision_model.post_layernorm."}}};
  std::string_view rest = name;
  take(rest, "visual.");
  if (rest == "proj") return {{"visual_projection.weight"}, /*transposed=*/true};
  if (!take(rest, "transformer.resblocks.")) return {{renamed(rest, names)}};
  return clip_layer_source(rest, "vision_model.encoder.layers.");
}

std::string_view official_ignored_reason(std::string_view name) {
  if (take(name, vae_prefix)) {
    if (name.starts_with("decoder.")) return "the conditioner's own decoder; views are decoded with first_stage_model";
    if (name.starts_with("post_quant_conv.")) return "belongs to that decoder";
    return {};
  }
  if (!take(name, clip_prefix)) return {};
  for (const std::string_view text :
       {"positional_embedding", "text_projection", "logit_scale", "token_embedding.", "ln_final.", "transformer.", "attn_mask"})
    if (name.starts_with(text)) return "CLIP's text tower; SV3D sees pictures only";
  return {};
}

std::string_view diffusers_ignored_reason(std::string_view part, std::string_view name) {
  if (part == "vae" && name.starts_with("post_quant_conv.")) return "SV3D's decoder works without it";
  if (part == "image_embedder" && name.ends_with(".position_ids")) return "a table of indices, not a weight";
  return {};
}

}  // namespace gsv3d
