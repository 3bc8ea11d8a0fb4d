#include "models/sv3d_source.h"

#include <algorithm>

#include "core/error.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

CheckpointLayout official_layout(const fs::path& path) {
  const auto file = std::make_shared<const Checkpoint>(path);
  const auto names = file->names();
  const auto has = [&](const char* prefix) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(prefix); });
  };
  require(has("model.diffusion_model.") && has("conditioner.embedders."), "{}: not an SV3D checkpoint; it seems to be {}",
          path.string(), describe_checkpoint(names));
  CheckpointLayout layout;
  layout.kind = "SV3D";
  for (const char* part : {"unet", "vae", "image_embedder"}) layout.sources.emplace(part, file);
  layout.recipe = official_sv3d_source;
  layout.ignored_reason = [](const std::string&, const std::string& name) { return official_ignored_reason(name); };
  return layout;
}

CheckpointLayout diffusers_layout(const fs::path& folder, const ModelConfig& config) {
  CheckpointLayout layout;
  layout.kind = "SV3D";
  const std::map<std::string, std::string> subfolders = {{"unet", "unet"}, {"vae", "vae"}, {"image_embedder", "image_encoder"}};
  for (const auto& [part, subfolder] : subfolders) {
    require(fs::is_directory(folder / subfolder),
            "{}: no folder {} in it: pass SV3D's .safetensors file, or a diffusers folder with unet/, vae/ and image_encoder/",
            folder.string(), subfolder);
    layout.sources.emplace(part, std::make_shared<const Checkpoint>(folder / subfolder));
  }
  const bool old_attention = layout.sources.at("vae")->contains("encoder.mid_block.attentions.0.query.weight");
  layout.recipe = [config, old_attention](const std::string& part, const std::string& name) -> TensorRecipe {
    if (part == "unet") return {{diffusers_unet_name(name, config.unet)}};
    if (part == "vae") return {{diffusers_vae_name(name, config.vae, old_attention)}};
    return transformers_clip_source(name);
  };
  layout.ignored_reason = [](const std::string& part, const std::string& name) { return diffusers_ignored_reason(part, name); };
  return layout;
}

/// SV3D comes in two: told of the cameras (1280 numbers per frame), or only of the noise on the photo (the first 256 of them).
ModelConfig with_variant(ModelConfig config, const CheckpointLayout& layout, const fs::path& path) {
  const Checkpoint& unet = *layout.sources.at("unet");
  const std::string name = layout.recipe("unet", "label_emb.0.0.weight").parts.front();
  require(unet.contains(name), "{}: not an SV3D checkpoint: it has no \"{}\"", path.string(), name);
  const auto& shape = unet.entry(name).shape;
  const int64_t width = shape.size() == 2 ? shape[1] : 0;
  if (width == config.unet.adm_in_channels) return config;
  if (config.vector_dimensions.size() == 3 && width == config.vector_dimensions[0]) {
    config.vector_dimensions.resize(1);
    config.unet.adm_in_channels = width;
    if (config.name == ModelConfig().name) config.name = "sv3d_u";
    return config;
  }
  fail("{}: not SV3D: its \"{}\" takes {} numbers per frame, SV3D's {}{}", path.string(), name, width,
       config.unet.adm_in_channels, width == 768 ? " (it seems to be Stable Video Diffusion: pass sv3d_p or sv3d_u)" : "");
}

}  // namespace

NamedTensors part_shapes(const std::string& part, const ModelConfig& config) {
  const auto store = nn::ParameterStore::meta();
  const nn::Scope scope(store);
  if (part == "unet") {
    VideoUNet(config.unet, scope);
  } else if (part == "vae") {
    AutoencoderEncoder(config.vae, scope);
    AutoencoderDecoder(config.vae, scope);
  } else {
    ImageEmbedder(config.image_embedder, scope);
  }
  return store->parameters();
}

Sv3dPlan plan_sv3d(const fs::path& path, const ModelConfig& base) {
  std::error_code error;
  require(fs::exists(path, error), "{}: no such file or folder", path.string());
  const CheckpointLayout layout = fs::is_directory(path) ? diffusers_layout(path, base) : official_layout(path);
  Sv3dPlan plan{with_variant(base, layout, path), {}};
  std::vector<std::pair<std::string, NamedTensors>> parts;
  for (const char* part : {"unet", "vae", "image_embedder"}) parts.emplace_back(part, part_shapes(part, plan.config));
  plan.tensors = plan_parts(layout, parts, path);
  return plan;
}

}  // namespace gsv3d
