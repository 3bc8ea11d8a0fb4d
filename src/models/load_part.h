// Networks of a model folder from their files, each with the check that file and configuration name the same tensors.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/model_folder.h"

namespace gsv3d {

/// One network from one file. Throws Error for tensors that are missing, of another shape, or not known, but for those that begin
/// with an ignored prefix.
template <class Network, class Config>
void load_part(std::optional<Network>& network, const Config& config, const std::filesystem::path& path,
               const LoadOptions& options, const std::vector<std::string>& ignored_prefixes = {}) {
  const auto store = nn::ParameterStore::for_inference(path, options.dtype, options.device);
  network.emplace(config, nn::Scope(store));
  store->check_all_used(ignored_prefixes);
}

/// Both halves of an autoencoder, in vae_dtype().
inline void load_autoencoder(std::optional<AutoencoderEncoder>& encoder, std::optional<AutoencoderDecoder>& decoder,
                             const AutoencoderConfig& config, const std::filesystem::path& path, const LoadOptions& options) {
  const auto store = nn::ParameterStore::for_inference(path, vae_dtype(options.dtype), options.device);
  encoder.emplace(config, nn::Scope(store));
  decoder.emplace(config, nn::Scope(store));
  // Official autoencoders carry this layer; SV3D's decoding does not use it.
  store->check_all_used({"post_quant_conv."});
}

/// A UNet whose weights, with `merged` in place of the file's, may stay in main memory (LoadOptions::offload).
template <class UNet, class Config>
void load_unet_part(std::optional<UNet>& unet, const Config& config, const std::filesystem::path& path,
                    const LoadOptions& options, NamedTensors merged = {}) {
  const auto store = options.offload ? nn::ParameterStore::as_stored(path, std::move(merged))
                                     : nn::ParameterStore::for_inference(path, options.dtype, options.device, std::move(merged));
  if (options.offload)
    unet.emplace(config, nn::Scope(store), nn::Streaming{options.dtype, options.device, nullptr});
  else
    unet.emplace(config, nn::Scope(store));
  store->check_all_used();
}

}  // namespace gsv3d
