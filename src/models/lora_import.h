// LoRA files of other programs: PEFT's, diffusers' and kohya's names, for a UNet under Stability AI's or diffusers' names.
#pragma once

#include <filesystem>

#include "core/safetensors.h"
#include "diffusion/video_unet.h"

namespace gsv3d {

/// The file's pairs under our plain names (models/lora_file.h), with every scale (kohya's alpha / rank, lora_alpha of an
/// adapter_config.json beside the file, and `weight`) multiplied into lora_B, float32. Throws Error naming the tensor when it is
/// not part of a LoRA or adapts a layer that is not one of the UNet's linear ones, a partner is missing, or shapes do not fit.
NamedTensors import_lora(const std::filesystem::path& path, const VideoUNetConfig& config, double weight = 1);

}  // namespace gsv3d
