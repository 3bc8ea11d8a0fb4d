#include "models/text_model.h"

#include <algorithm>

#include "core/error.h"
#include "models/load_part.h"
#include "text/byte_pairs.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

fs::path existing(const fs::path& path) {
  require(fs::exists(path), "{} is missing, and pictures from text need it", path.string());
  return path;
}

}  // namespace

void check_text_model_config(const TextModelConfig& text, const AutoencoderConfig& vae, const std::string& where) {
  const auto check = [&](bool holds, const std::string& what) { require(holds, "{}: text: {}", where, what); };
  const UNet2DConfig& unet = text.unet;
  const TextTowerConfig& tower = text.tower;
  check_settings(text.schedule, where + ": text.schedule");
  check_settings(text.sampler, where + ": text.sampler");
  for (const int64_t value :
       {tower.width, tower.layers, tower.head_width, tower.vocabulary_size, tower.context_length, unet.model_channels,
        unet.num_res_blocks, unet.num_head_channels, unet.transformer_depth, unet.norm_groups, text.image_size})
    check(value >= 1 && value <= 1'000'000, fmt::format("{} is no width or count", value));
  check(!unet.channel_mult.empty() && unet.channel_mult.size() <= 8, "unet.channel_mult needs 1 … 8 entries");
  check(tower.embed_dim >= 0 && tower.embed_dim <= 1'000'000, fmt::format("tower.embed_dim = {} is no width", tower.embed_dim));
  check(unet.in_channels == vae.z_channels && unet.out_channels == vae.z_channels,
        fmt::format("unet.in_channels = {} and out_channels = {} must be the autoencoder's z_channels = {}", unet.in_channels,
                    unet.out_channels, vae.z_channels));
  check(unet.context_dim == tower.width,
        fmt::format("unet.context_dim = {} does not fit tower.width = {}", unet.context_dim, tower.width));
  check(tower.width % tower.head_width == 0,
        fmt::format("tower.width = {} is not a multiple of head_width = {}", tower.width, tower.head_width));
  check(tower.context_length >= 3, "tower.context_length must be 3 or more");
  const int64_t multiple = vae.downsampling() * unet.downsampling();
  check(text.image_size % multiple == 0, fmt::format("image_size = {} is not a multiple of {}", text.image_size, multiple));
  check(text.prompt_template.find("{}") != std::string::npos, "prompt_template has no {} for the user's words");
  if (text.words)
    check(static_cast<int64_t>(text.words->words.size()) < tower.vocabulary_size,
          fmt::format("{} words need a tower.vocabulary_size above that", text.words->words.size()));
}

TextModel load_text_model(const fs::path& folder, const LoadOptions& options) {
  const ModelConfig config = read_model_config(folder);
  require(config.text.has_value(),
          "{}: makes no pictures from text (its config.json has no \"text\"): give --text-model, a folder that gsv3d import --sd "
          "has made",
          folder.string());
  TextModel model;
  model.folder = folder;
  model.config = *config.text;
  model.vae = model.config.vae.value_or(config.vae);
  model.device = options.device, model.dtype = options.dtype;
  if (model.config.words) {
    model.tokenizer = std::make_shared<KnownWords>(*model.config.words);
  } else {
    const auto tokenizer = std::make_shared<BytePairs>(read_merges(existing(folder / merges_file_name)));
    require(tokenizer->vocabulary_size() == model.config.tower.vocabulary_size,
            "{}: {} tokens, but the text tower has {}: another model's vocabulary", (folder / merges_file_name).string(),
            tokenizer->vocabulary_size(), model.config.tower.vocabulary_size);
    model.tokenizer = tokenizer;
  }
  load_part(model.tower, model.config.tower, existing(folder / "text_tower.safetensors"), options);
  load_unet_part(model.unet, model.config.unet, existing(folder / "text_unet.safetensors"), options);
  const char* vae_file = model.config.vae ? "text_vae.safetensors" : "vae.safetensors";
  load_autoencoder(model.encoder, model.decoder, model.vae, existing(folder / vae_file), options);
  return model;
}

}  // namespace gsv3d
