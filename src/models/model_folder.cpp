#include "models/model_folder.h"

#include "core/error.h"
#include "core/int8_weights.h"
#include "models/load_part.h"
#include "models/lora_file.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* lora_file_name = "distilled_lora.safetensors";

/// A LoRA over other weights than it was trained over would spoil what it should improve.
void check_base(const fs::path& lora, const fs::path& unet) {
  const auto lora_header = SafetensorsFile(lora).metadata(), unet_header = SafetensorsFile(unet).metadata();
  const auto wanted = lora_header.find(weights_header::base), there = unet_header.find(weights_header::fingerprint);
  require(wanted == lora_header.end() || there == unet_header.end() || wanted->second == there->second,
          "{}: was distilled over another unet.safetensors than the one beside it: move it away, or run \"gsv3d train distill\"",
          lora.string());
}

void load_unet(Model& model, const fs::path& path, const LoadOptions& options) {
  if (!fs::exists(path)) return;
  NamedTensors merged;
  const fs::path lora_path = model.folder / lora_file_name;
  if (options.use_lora && fs::exists(lora_path)) {
    check_base(lora_path, path);
    merged = merged_lora_weights(read_weights(path), read_lora(lora_path), model.config.lora_alpha, lora_path);
    model.distilled = true;
  }
  load_unet_part(model.unet, model.config.unet, path, options, std::move(merged));
}

}  // namespace

void require_parts(const Model& model, const std::vector<std::string>& parts) {
  const std::map<std::string, bool> present = {{"vae", model.vae_encoder && model.vae_decoder},
                                               {"image_embedder", model.image_embedder.has_value()},
                                               {"unet", model.unet.has_value()},
                                               {"dino", model.dino.has_value()},
                                               {"gaussian_decoder", model.gaussian_decoder.has_value()}};
  for (const std::string& part : parts) {
    require(present.at(part), "model {}: {}.safetensors is missing, and this needs it", model.folder.string(), part);
  }
}

at::ScalarType vae_dtype(at::ScalarType dtype) {
  return dtype == at::kHalf ? at::kFloat : dtype;
}

Model load_model(const fs::path& folder, const LoadOptions& options) {
  Model model;
  model.folder = folder;
  model.config = read_model_config(folder);
  model.device = options.device;
  model.dtype = options.dtype;
  const auto path = [&](const char* part) { return folder / (std::string(part) + ".safetensors"); };
  const auto load = [&](auto& network, const auto& network_config, const char* part, const LoadOptions& how,
                        const std::vector<std::string>& ignored = {}) {
    if (fs::exists(path(part))) load_part(network, network_config, path(part), how, ignored);
  };
  if (fs::exists(path("vae"))) load_autoencoder(model.vae_encoder, model.vae_decoder, model.config.vae, path("vae"), options);
  load(model.image_embedder, model.config.image_embedder, "image_embedder", options);
  load_unet(model, path("unet"), options);
  // Small beside the others, and geometry is sensitive to rounding: these two keep float32 weights.
  const LoadOptions exact{options.device, at::kFloat};
  load(model.dino, model.config.dino, "dino", exact, {"mask_token"});  // a leftover of DINOv2's training
  load(model.gaussian_decoder, model.config.gaussian_decoder, "gaussian_decoder", exact);
  return model;
}

}  // namespace gsv3d
