// Networks of SV3D's structure at any width, with random weights.
#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/safetensors.h"
#include "nn/parameter_store.h"
#include "models/model_folder.h"

namespace gsv3d {

inline VideoUNetConfig sv3d_unet_config(int64_t width) {
  VideoUNetConfig config;
  config.model_channels = width;
  return config;
}

/// The UNet has `width` channels, the other two networks as many as keep SV3D's proportions (320 : 128 : 1280), rounded to what
/// group norms (32) and attention heads (80) need. bench/peers/diffusers_views.py rounds likewise. `size`: of the latents.
inline ModelConfig sv3d_model_config(int64_t width, int64_t size) {
  ModelConfig config;
  config.unet = sv3d_unet_config(width);
  config.vae.ch = 32 * std::max<int64_t>(1, (width * 128 + 5120) / 10240);
  config.image_embedder.width = 80 * std::max<int64_t>(1, width / 20);
  config.image_size = size * config.vae.downsampling();
  return config;
}

/// Random weights for what `ask` asks for: matrices in `dtype`, vectors in float32, mapped from a file, as an imported model has
/// them. The file is gone when this returns, but for the mapping.
template <class Ask>
std::shared_ptr<nn::ParameterStore> random_weights(at::ScalarType dtype, const Ask& ask) {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("gsv3d_bench_{}.safetensors", ::getpid());
  {
    const auto store = nn::ParameterStore::random(1);
    ask(nn::Scope(store));
    NamedTensors stored;
    for (const auto& [name, tensor] : store->parameters()) stored.emplace(name, tensor.dim() > 1 ? tensor.to(dtype) : tensor);
    write_safetensors(path, stored);
  }
  const auto weights = nn::ParameterStore::for_inference(path, dtype, at::kCPU);
  std::filesystem::remove(path);
  return weights;
}

/// One network of random weights.
template <class Network, class Config>
Network random_network(const Config& config, at::ScalarType dtype) {
  return Network(config, nn::Scope(random_weights(dtype, [&](const nn::Scope& scope) { Network(config, scope); })));
}

}  // namespace gsv3d
