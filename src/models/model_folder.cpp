#include "models/model_folder.h"

#include "core/error.h"
#include "models/lora_file.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char* lora_file_name = "distilled_lora.safetensors";

/// Builds one network from one file, and checks that file and configuration name the same tensors.
template <class Network, class Config>
void load_part(std::optional<Network>& network, const Config& config, const fs::path& path, const LoadOptions& options,
               const std::vector<std::string>& ignored_prefixes = {}) {
  if (!fs::exists(path)) return;
  const auto store = nn::ParameterStore::for_inference(path, options.dtype, options.device);
  network.emplace(config, nn::Scope(store));
  store->check_all_used(ignored_prefixes);
}

void load_vae(Model& model, const fs::path& path) {
  if (!fs::exists(path)) return;
  const auto store = nn::ParameterStore::for_inference(path, vae_dtype(model.dtype), model.device);
  model.vae_encoder.emplace(model.config.vae, nn::Scope(store));
  model.vae_decoder.emplace(model.config.vae, nn::Scope(store));
  // Official autoencoders carry this layer; SV3D's decoding does not use it.
  store->check_all_used({"post_quant_conv."});
}

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
    merged = merged_lora_weights(read_safetensors(path), read_lora(lora_path), model.config.lora_alpha, lora_path);
    model.distilled = true;
  }
  if (options.offload) {
    const auto host = nn::ParameterStore::as_stored(path, std::move(merged));
    model.unet.emplace(model.config.unet, nn::Scope(host), nn::Streaming{model.dtype, model.device, nullptr});
    host->check_all_used();
    return;
  }
  const auto store = nn::ParameterStore::for_inference(path, model.dtype, model.device, std::move(merged));
  model.unet.emplace(model.config.unet, nn::Scope(store));
  store->check_all_used();
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
  load_vae(model, folder / "vae.safetensors");
  load_part(model.image_embedder, model.config.image_embedder, folder / "image_embedder.safetensors", options);
  load_unet(model, folder / "unet.safetensors", options);
  // Small beside the others, and geometry is sensitive to rounding: these two keep float32 weights.
  const LoadOptions exact{options.device, at::kFloat};
  // The mask token is a leftover of DINOv2's training.
  load_part(model.dino, model.config.dino, folder / "dino.safetensors", exact, {"mask_token"});
  load_part(model.gaussian_decoder, model.config.gaussian_decoder, folder / "gaussian_decoder.safetensors", exact);
  return model;
}

}  // namespace gsv3d
