// What the tensors of a model folder are called in public checkpoints: Stability AI's single files, and the folders of diffusers
// and transformers (UNetSpatioTemporalConditionModel, UNet2DConditionModel, AutoencoderKL, CLIPVisionModelWithProjection,
// CLIPTextModel).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diffusion/autoencoder.h"
#include "diffusion/unet2d.h"
#include "diffusion/video_unet.h"

namespace gsv3d {

/// How one of our tensors is made from tensors of the source. A shape that differs only in extents of 1 is reshaped (a linear
/// layer for a 1×1 convolution).
struct TensorRecipe {
  std::vector<std::string> parts;  ///< joined along the first axis, in this order
  bool transposed = false;
};

/// Names of Stability AI's single file. `part`: unet, vae or image_embedder (as in model_part_names()).
TensorRecipe official_sv3d_source(std::string_view part, const std::string& name);

/// Our UNet layer or tensor ("input_blocks.1.0.in_layers.2.weight") in diffusers' UNetSpatioTemporalConditionModel.
std::string diffusers_unet_name(const std::string& name, const VideoUNetConfig& config);
/// In diffusers' UNet2DConditionModel.
std::string diffusers_unet_name(const std::string& name, const UNet2DConfig& config);

/// In diffusers' AutoencoderKL; `old_attention`: to_q … were once called query, key, value and proj_attn.
std::string diffusers_vae_name(const std::string& name, const AutoencoderConfig& config, bool old_attention);

/// In transformers' CLIPTextModel, whose q, k and v are apart.
TensorRecipe transformers_text_source(const std::string& name);

/// In transformers' CLIPVisionModelWithProjection, whose q, k and v are apart and whose projection is transposed.
TensorRecipe transformers_clip_source(const std::string& name);

/// Why SV3D has no use for a tensor of the official file; empty: the name is unknown.
std::string_view official_ignored_reason(std::string_view name);
/// The same for a part of a diffusers folder.
std::string_view diffusers_ignored_reason(std::string_view part, std::string_view name);

}  // namespace gsv3d
