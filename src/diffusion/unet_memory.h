// What a run of the sampler may keep between calls of the UNet that differ in the noisy latents and the noise level alone.
#pragma once

#include <string>
#include <unordered_map>

#include "core/tensor.h"

namespace gsv3d {

/// What a call does with the deep part of the UNet, everything but the outermost stage at either end (DeepCache, Ma et al. 2023,
/// arXiv 2312.00858): its features change little from one noise level to the next.
enum class DeepFeatures {
  compute,  ///< and keep nothing
  keep,     ///< compute them and leave them in the memory
  reuse,    ///< take those in the memory, an approximation; computes and keeps them where there are none
};

/// One for each conditioning of a run: context, camera vector, frames and precision must stay the same. Small: a row per clip or
/// frame and layer, and, where there is more than one token, the context's keys and values.
struct UNetMemory {
  std::unordered_map<std::string, Tensor> constants;  ///< by layer: results that depend on neither latents nor noise level; exact
  DeepFeatures deep = DeepFeatures::compute;          ///< of the next call
  Tensor deep_features;                               ///< of an earlier call with latents of the same shape
};

}  // namespace gsv3d
