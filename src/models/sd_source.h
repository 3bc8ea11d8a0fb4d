// Stable Diffusion 2.x (2.0, 2.1, Turbo) as it lies in a public checkpoint, for the networks that make pictures from text.
#pragma once

#include <filesystem>
#include <string>

#include "models/checkpoint_plan.h"

namespace gsv3d {

/// What a checkpoint was trained for; it decides what its file does not say.
enum class SdKind {
  base,   ///< 512 pixels, epsilon: 2.0-base, 2.1-base
  v768,   ///< 768 pixels, v-prediction: 2.0, 2.1
  turbo,  ///< 512 pixels, epsilon, one step without guidance: SD-Turbo
};

/// "base", "v768", "turbo". Throws UsageError for others.
SdKind parse_sd_kind(const std::string& text);

struct SdPlan {
  TextModelConfig config;
  PlannedParts tensors;
  std::filesystem::path vocabulary;  ///< found beside the weights; empty: nowhere
};

/// Reads the headers of a single file (LDM names) or a diffusers folder (unet/, vae/, text_encoder/, tokenizer/, scheduler/) and
/// finds a source for every tensor of the model that `base` describes. `kind`, if not given, is what a folder's scheduler says,
/// or what the name of the file says ("turbo", "768"), else base. Throws Error when it is another model's, or tensors are missing
/// or of another shape.
SdPlan plan_sd(const std::filesystem::path& path, const TextModelConfig& base, std::optional<SdKind> kind);

/// Names and shapes of every parameter of text_tower, text_unet or text_vae; nothing is allocated.
NamedTensors sd_part_shapes(const std::string& part, const TextModelConfig& config);

}  // namespace gsv3d
