// Networks that make pictures from text, of a few thousand random parameters, beside the toy model or under Stable Diffusion's
// names.
#pragma once

#include <filesystem>
#include <string>

#include "models/sd_source.h"
#include "models/text_model.h"
#include "text/byte_pairs.h"
#include "toy_model.h"

namespace gsv3d::testing {

/// Pairs that a vocabulary of 520 tokens has.
inline Merges toy_merges() {
  return {{"r", "e"}, {"re", "d</w>"}, {"c", "h"}, {"a", "i"}, {"ch", "ai"}, {"chai", "r</w>"}};
}

/// `words`: the model knows these alone, and uses the toy model's autoencoder; none: byte pairs and an autoencoder of its own.
inline TextModelConfig toy_text_config(const std::vector<std::string>& words = {}) {
  TextModelConfig c;
  c.image_size = 32;
  c.tower = {520, 8, 16, 3, 8, 1, 0};
  c.unet.in_channels = c.unet.out_channels = 4;
  c.unet.model_channels = 8, c.unet.channel_mult = {1, 2}, c.unet.attention_resolutions = {1}, c.unet.num_res_blocks = 1;
  c.unet.num_head_channels = 8, c.unet.context_dim = 16, c.unet.norm_groups = 4;
  c.sampler.steps = 2;
  if (words.empty()) {
    c.vae = toy_config().vae;
    c.vae->scale_factor = 0.5, c.vae->post_quant_conv = true;
  } else {
    c.words = WordList{words, {"a", "the"}};
    c.prompt_template = "{}", c.negative = "";
  }
  return c;
}

/// Random tensors of a part in which every layer counts.
inline NamedTensors toy_text_part(const std::string& part, const TextModelConfig& config, uint64_t seed) {
  NamedTensors tensors;
  for (const auto& [name, like] : sd_part_shapes(part, config)) {
    const Tensor value = randn(like.sizes(), make_generator(seed + std::hash<std::string>()(name)));
    const bool norm = like.dim() == 1 && name.ends_with("weight");
    tensors[name] = norm ? 1 + 0.1 * value : 0.2 * value;
  }
  return tensors;
}

/// Adds the networks to a model folder.
inline void add_toy_text_model(const std::filesystem::path& folder, const TextModelConfig& text, uint64_t seed) {
  ModelConfig config = read_model_config(folder);
  config.text = text;
  for (const char* part : {"text_tower", "text_unet", "text_vae"})
    if (part != std::string("text_vae") || text.vae)
      write_safetensors(folder / (std::string(part) + ".safetensors"), toy_text_part(part, text, seed));
  if (!text.words) write_merges(folder / merges_file_name, toy_merges());
  write_model_config(folder, config);
}

/// The same as one file of Stable Diffusion's, with tensors that nobody uses; `prefix` is the text tower's.
inline NamedTensors toy_sd_checkpoint(const TextModelConfig& text, uint64_t seed,
                                      const std::string& prefix = "cond_stage_model.model.") {
  NamedTensors all;
  TextModelConfig whole = text;
  whole.tower.embed_dim = 12;
  for (const auto& [part, names] : std::map<std::string, std::string>{
           {"text_tower", prefix}, {"text_unet", "model.diffusion_model."}, {"text_vae", "first_stage_model."}})
    for (const auto& [name, tensor] : toy_text_part(part, whole, seed)) all[names + name] = tensor;
  all[prefix + "logit_scale"] = at::ones({});
  all["alphas_cumprod"] = at::ones({1000});
  all["model_ema.decay"] = at::ones({});
  return all;
}

}  // namespace gsv3d::testing
