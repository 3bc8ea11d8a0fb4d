// The networks of a model folder that make pictures from text, loaded.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "models/model_folder.h"
#include "text/tokenizer.h"

namespace gsv3d {

/// Name of the vocabulary of byte pairs in a model folder.
inline constexpr const char* merges_file_name = "text_merges.txt";

struct TextModel {
  std::filesystem::path folder;
  TextModelConfig config;
  AutoencoderConfig vae;  ///< of the pictures: their own, or the model's
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::optional<TextTower> tower;
  std::optional<UNet2D> unet;
  std::optional<AutoencoderDecoder> decoder;
  std::optional<AutoencoderEncoder> encoder;  ///< for pictures that begin with a sketch
};

/// Files: text_tower, text_unet, and text_vae or, without an autoencoder of its own, vae, all .safetensors; text_merges.txt
/// unless the configuration lists words. Throws Error naming what is missing or does not fit.
TextModel load_text_model(const std::filesystem::path& folder, const LoadOptions& options);

/// Throws Error when parts do not fit each other, or numbers make no sense.
void check_text_model_config(const TextModelConfig& text, const AutoencoderConfig& vae, const std::string& where);

}  // namespace gsv3d
