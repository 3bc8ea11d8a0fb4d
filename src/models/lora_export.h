// A trained LoRA as other programs read it: PEFT over our own layer names, diffusers' names, kohya's names.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/safetensors.h"
#include "diffusion/video_unet.h"

namespace gsv3d {

enum class LoraNames {
  peft,       ///< base_model.model.LAYER.lora_A.weight, LAYER as Stability AI names it (and we do)
  diffusers,  ///< unet.LAYER.lora_A.weight, LAYER as in UNetSpatioTemporalConditionModel: load_lora_adapter(file, prefix="unet").
              ///< The strength is multiplied into lora_B, for loaders that look into tensors alone
  kohya,      ///< lora_unet_LAYER.lora_down.weight and .alpha, LAYER as diffusers names it with '_' for '.'
};

/// Tensors and header of the file; `lora` under plain names (lora_file.h). Its strength, alpha / rank (0: 1), is in tensors or
/// header as the format has it, so that readers apply what the model applies.
struct NamedLora {
  NamedTensors tensors;
  std::map<std::string, std::string> header;
};
NamedLora named_lora(const NamedTensors& lora, double alpha, const VideoUNetConfig& config, LoraNames names);

/// MODEL/distilled_lora.safetensors in a file for other programs, written atomically. Throws Error when the model has none.
void export_lora(const std::filesystem::path& model, LoraNames names, const std::filesystem::path& output);

}  // namespace gsv3d
