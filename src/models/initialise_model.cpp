#include "core/error.h"
#include "core/output_folder.h"
#include "models/model_folder.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

void save(const nn::ParameterStore& store, const fs::path& path) {
  NamedTensors stored;
  for (const auto& [name, tensor] : store.parameters()) stored.emplace(name, tensor.to(at::kHalf));
  write_safetensors(path, stored, {{weights_header::origin, weights_header::random}});
}

void initialise_autoencoder(const AutoencoderConfig& config, uint64_t seed, const fs::path& path) {
  const auto store = nn::ParameterStore::random(seed);
  const AutoencoderEncoder encoder(config, nn::Scope(store));
  const AutoencoderDecoder decoder(config, nn::Scope(store));
  save(*store, path);
}

template <class Network, class Config>
void initialise_part(const Config& config, uint64_t seed, const fs::path& path) {
  const auto store = nn::ParameterStore::random(seed);
  const Network network(config, nn::Scope(store));
  save(*store, path);
}

}  // namespace

void initialise_model(const fs::path& folder, const ModelConfig& config, uint64_t seed) {
  check_model_config(config, config.name);
  fs::path place = fs::absolute(folder).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();  // "model/"
  OutputFolder output(place.parent_path(), place.filename().string());
  const fs::path& staging = output.staging();
  write_model_config(staging, config);
  initialise_autoencoder(config.vae, seed, staging / "vae.safetensors");
  initialise_part<ImageEmbedder>(config.image_embedder, seed + 1, staging / "image_embedder.safetensors");
  initialise_part<VideoUNet>(config.unet, seed + 2, staging / "unet.safetensors");
  initialise_part<Dinov2>(config.dino, seed + 3, staging / "dino.safetensors");
  initialise_part<GaussianDecoder>(config.gaussian_decoder, seed + 4, staging / "gaussian_decoder.safetensors");
  if (config.text && config.text->words) {  // without, a vocabulary of byte pairs would be missing
    initialise_part<TextTower>(config.text->tower, seed + 5, staging / "text_tower.safetensors");
    initialise_part<UNet2D>(config.text->unet, seed + 6, staging / "text_unet.safetensors");
    if (config.text->vae) initialise_autoencoder(*config.text->vae, seed + 7, staging / "text_vae.safetensors");
  }
  output.commit();
}

}  // namespace gsv3d
