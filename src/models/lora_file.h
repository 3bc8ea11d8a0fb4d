// Low-rank adaptations on disk: PEFT's names (base_model.model.LAYER.lora_A.weight) or plain ones (LAYER.lora_A.weight).
#pragma once

#include <filesystem>

#include "core/safetensors.h"

namespace gsv3d {

/// The file's tensors under plain names, LAYER.lora_A.weight [rank, in] and LAYER.lora_B.weight [out, rank]. Throws Error when a
/// name is of another kind, a partner is missing, or ranks differ within a pair.
NamedTensors read_lora(const std::filesystem::path& path);

/// Every adapted LAYER.weight of `weights` with alpha / rank · B A added, in float32: then inference costs nothing extra. alpha 0
/// means equal to the rank. Throws Error naming `path` and the layer when a layer is missing or shapes do not fit.
NamedTensors merged_lora_weights(const NamedTensors& weights, const NamedTensors& lora, double alpha,
                                 const std::filesystem::path& path);

}  // namespace gsv3d
