#include "models/sd_source.h"

#include <algorithm>

#include "core/error.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view unet_prefix = "model.diffusion_model.", vae_prefix = "first_stage_model.";

bool has_prefix(const Checkpoint& file, std::string_view prefix) {
  const auto names = file.names();
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(prefix); });
}

/// Where the text tower's names begin: Stable Diffusion's own files and those of generative-models differ.
std::string tower_prefix(const Checkpoint& file, const fs::path& path) {
  for (const char* prefix : {"cond_stage_model.model.", "conditioner.embedders.0.model."})
    if (file.contains(std::string(prefix) + "token_embedding.weight")) return prefix;
  require(!has_prefix(file, "cond_stage_model.transformer."),
          "{}: seems to be Stable Diffusion 1.x, whose text tower is another: 2.x and SD-Turbo can be imported", path.string());
  require(!has_prefix(file, "conditioner.embedders.1."),
          "{}: seems to be SDXL, which has two text towers: Stable Diffusion 2.x and SD-Turbo can be imported", path.string());
  fail("{}: not a Stable Diffusion 2.x checkpoint: it has no text tower; it seems to be {}", path.string(),
       describe_checkpoint(file.names()));
}

std::string_view single_file_reason(std::string_view name) {
  if (name.ends_with("logit_scale")) return "CLIP's scale of its scores, which order stays the same without";
  if (name.ends_with(".attn_mask")) return "a table, not a weight";
  if (name.starts_with("model_ema.")) return "a second, averaged copy of the UNet";
  if (name.find('.') == name.npos || name.starts_with("denoiser.") || name.starts_with("model.register"))
    return "tables of the noise levels";
  if (name.starts_with("first_stage_model.loss.")) return "networks that trained the autoencoder";
  return {};
}

CheckpointLayout single_file_layout(const fs::path& path) {
  const auto file = std::make_shared<const Checkpoint>(path);
  require(
      has_prefix(*file, unet_prefix) && has_prefix(*file, vae_prefix) && !has_prefix(*file, "conditioner.embedders.0.open_clip"),
      "{}: not a Stable Diffusion checkpoint; it seems to be {}", path.string(), describe_checkpoint(file->names()));
  CheckpointLayout layout{"Stable Diffusion 2.x", {}, {}, {}};
  const std::string tower = tower_prefix(*file, path);
  for (const char* part : {"text_tower", "text_unet", "text_vae"}) layout.sources.emplace(part, file);
  layout.recipe = [tower](const std::string& part, const std::string& name) -> TensorRecipe {
    return {{(part == "text_unet" ? std::string(unet_prefix) : part == "text_vae" ? std::string(vae_prefix) : tower) + name}};
  };
  layout.ignored_reason = [](const std::string&, const std::string& name) { return single_file_reason(name); };
  return layout;
}

CheckpointLayout folder_layout(const fs::path& folder, const TextModelConfig& config) {
  CheckpointLayout layout{"Stable Diffusion 2.x", {}, {}, {}};
  const std::map<std::string, std::string> folders = {{"text_unet", "unet"}, {"text_vae", "vae"}, {"text_tower", "text_encoder"}};
  require(!fs::is_directory(folder / "text_encoder_2"),
          "{}: seems to be SDXL, which has two text towers: Stable Diffusion 2.x and SD-Turbo can be imported", folder.string());
  for (const auto& [part, name] : folders) {
    require(fs::is_directory(folder / name),
            "{}: no folder {} in it: pass a .safetensors file, or a diffusers folder with unet/, vae/ and text_encoder/",
            folder.string(), name);
    layout.sources.emplace(part, std::make_shared<const Checkpoint>(folder / name));
  }
  const bool old_attention = layout.sources.at("text_vae")->contains("encoder.mid_block.attentions.0.query.weight");
  layout.recipe = [config, old_attention](const std::string& part, const std::string& name) -> TensorRecipe {
    if (part == "text_unet") return {{diffusers_unet_name(name, config.unet)}};
    if (part == "text_vae") return {{diffusers_vae_name(name, *config.vae, old_attention)}};
    return transformers_text_source(name);
  };
  layout.ignored_reason = [](const std::string&, const std::string& name) -> std::string_view {
    return name.ends_with(".position_ids") ? "a table of indices, not a weight" : "";
  };
  return layout;
}

void apply(TextModelConfig& config, SdKind kind) {
  config.schedule.prediction = kind == SdKind::v768 ? "v_prediction" : "epsilon";
  config.image_size = kind == SdKind::v768 ? 768 : 512;
  if (kind == SdKind::turbo) config.sampler = {"euler", 1, "trailing", 1, 1.0, 0};
}

SdKind kind_by_name(const fs::path& path) {
  std::string name = path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.find("turbo") != name.npos) return SdKind::turbo;
  return name.find("768") != name.npos ? SdKind::v768 : SdKind::base;
}

template <class T>
void take(const Json& json, const char* key, T& value, const fs::path& path) {
  if (!json.contains(key) || json[key].is_null()) return;
  config_detail::read(json[key], value, path.string() + "." + key);
}

/// What diffusers says of the noise levels, and the size of pictures.
void apply_folder(TextModelConfig& config, const fs::path& folder) {
  const fs::path scheduler = folder / "scheduler" / "scheduler_config.json", unet = folder / "unet" / "config.json";
  if (fs::exists(scheduler)) {
    const Json json = read_json_file(scheduler);
    take(json, "beta_start", config.schedule.beta_start, scheduler), take(json, "beta_end", config.schedule.beta_end, scheduler);
    take(json, "num_train_timesteps", config.schedule.train_steps, scheduler);
    take(json, "prediction_type", config.schedule.prediction, scheduler);
    take(json, "rescale_betas_zero_snr", config.schedule.zero_terminal_snr, scheduler);
    take(json, "timestep_spacing", config.sampler.spacing, scheduler);
    take(json, "steps_offset", config.sampler.steps_offset, scheduler);
    std::string schedule = "scaled_linear";
    take(json, "beta_schedule", schedule, scheduler);
    require(schedule == "scaled_linear", "{}: beta_schedule \"{}\" is not Stable Diffusion's", scheduler.string(), schedule);
  }
  if (!fs::exists(unet)) return;
  int64_t latent_size = config.image_size / config.vae->downsampling();
  take(read_json_file(unet), "sample_size", latent_size, unet);
  config.image_size = latent_size * config.vae->downsampling();
}

fs::path vocabulary_beside(const fs::path& path) {
  const bool folder = fs::is_directory(path);
  std::vector<fs::path> places;
  if (folder) places = {path / "tokenizer" / "merges.txt", path / "tokenizer" / "tokenizer.json"};
  for (const char* name : {"bpe_simple_vocab_16e6.txt.gz", "merges.txt"})
    places.push_back((folder ? path : path.parent_path()) / name);
  for (const fs::path& place : places)
    if (fs::exists(place)) return place;
  return {};
}

/// The text tower's last block and projection are there in single files, but not in diffusers'.
void fit_tower(TextTowerConfig& tower, const CheckpointLayout& layout) {
  const Checkpoint& source = *layout.sources.at("text_tower");
  const std::string last = fmt::format("transformer.resblocks.{}.ln_1.weight", tower.layers - 1);
  if (!source.contains(layout.recipe("text_tower", last).parts.front()))
    tower.layers -= tower.skipped_layers, tower.skipped_layers = 0;
  const std::string projection = layout.recipe("text_tower", "text_projection").parts.front();
  if (tower.skipped_layers > 0 && source.contains(projection) && source.entry(projection).shape.size() == 2)
    tower.embed_dim = source.entry(projection).shape[1];
}

}  // namespace

SdKind parse_sd_kind(const std::string& text) {
  if (text == "base") return SdKind::base;
  if (text == "v768") return SdKind::v768;
  if (text == "turbo") return SdKind::turbo;
  throw UsageError("unknown kind of Stable Diffusion \"" + text + "\": use base, v768 or turbo");
}

NamedTensors sd_part_shapes(const std::string& part, const TextModelConfig& config) {
  const auto store = nn::ParameterStore::meta();
  const nn::Scope scope(store);
  if (part == "text_unet") {
    UNet2D(config.unet, scope);
  } else if (part == "text_vae") {
    AutoencoderEncoder(*config.vae, scope);
    AutoencoderDecoder(*config.vae, scope);
  } else {
    TextTower(config.tower, scope);
  }
  return store->parameters();
}

SdPlan plan_sd(const fs::path& path, const TextModelConfig& base, std::optional<SdKind> kind) {
  std::error_code error;
  require(fs::exists(path, error), "{}: no such file or folder", path.string());
  SdPlan plan{base, {}, vocabulary_beside(path)};
  TextModelConfig& config = plan.config;
  if (!config.vae) config.vae.emplace().post_quant_conv = true;
  const bool folder = fs::is_directory(path);
  const CheckpointLayout layout = folder ? folder_layout(path, config) : single_file_layout(path);
  const int64_t given_size = base.image_size;
  apply(config, kind.value_or(kind_by_name(path)));
  if (base.unet.model_channels != UNet2DConfig().model_channels) config.image_size = given_size;  // another model's widths
  if (folder && !kind) apply_folder(config, path);
  fit_tower(config.tower, layout);
  std::vector<std::pair<std::string, NamedTensors>> parts;
  for (const char* part : {"text_tower", "text_unet", "text_vae"}) parts.emplace_back(part, sd_part_shapes(part, config));
  plan.tensors = plan_parts(layout, parts, path);
  return plan;
}

}  // namespace gsv3d
