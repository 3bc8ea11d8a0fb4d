// LoRA files of other programs: PEFT's, diffusers' and kohya's names, for a UNet under Stability AI's or diffusers' names.
#pragma once

#include <filesystem>

#include "core/safetensors.h"
#include "diffusion/video_unet.h"

namespace gsv3d {

/// The file's pairs under our plain names (models/lora_file.h), with every scale (models/lora_scales.h, and `weight`) multiplied
/// into lora_B, float32. Throws Error naming the tensor when it is
/// not part of a LoRA or adapts a layer that is not one of the UNet's linear ones, a partner is missing, or shapes do not fit.
NamedTensors import_lora(const std::filesystem::path& path, const VideoUNetConfig& config, double weight = 1);

/// Which other kind of adapter has tensors of such names ("DoRA", "LoHa", ...); empty for LoRA and all else.
std::string other_adapter(const std::vector<std::string>& names);

}  // namespace gsv3d
