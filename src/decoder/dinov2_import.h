// Public DINOv2 files come in two namings: the official one (facebookresearch/dinov2, our own) and Hugging Face transformers'.
#pragma once

#include "core/safetensors.h"
#include "decoder/dinov2.h"

namespace gsv3d {

/// Tensors of a DINOv2 file under official names: q, k and v of Hugging Face's files are joined to one qkv matrix (rows in this
/// order), a leading "dinov2." or "dinov2_with_registers." is dropped, official names pass unchanged. mask_token, which only
/// pre-training uses, is left out. Throws Error when a name is of neither naming or a part of q, k, v is missing.
NamedTensors dinov2_official_names(const NamedTensors& tensors);

/// The configuration that tensors under official names imply; heads are 64 wide, as in every published model. Throws Error when
/// pos_embed, patch_embed.proj.weight or the blocks are missing, and for the giant model, whose SwiGLU MLP is not supported.
Dinov2Config dinov2_config_of(const NamedTensors& official);

}  // namespace gsv3d
