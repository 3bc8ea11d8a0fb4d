// Low-rank adaptations on disk: PEFT's names (base_model.model.LAYER.lora_A.weight) or plain ones (LAYER.lora_A.weight).
#pragma once

#include <filesystem>

#include "core/safetensors.h"

namespace gsv3d {

/// The file's tensors under plain names, LAYER.lora_A.weight [rank, in] and LAYER.lora_B.weight [out, rank]. Throws Error when a
/// name is of another kind, a partner is missing, or ranks differ within a pair.
NamedTensors read_lora(const std::filesystem::path& path);

/// Adds alpha / rank · B A to every adapted LAYER.weight of `weights`, in float32: then inference costs nothing extra. alpha 0
/// means equal to the rank. Throws Error naming `path` and the layer when a layer is missing or shapes do not fit.
void merge_lora(NamedTensors& weights, const NamedTensors& lora, double alpha, const std::filesystem::path& path);

}  // namespace gsv3d
