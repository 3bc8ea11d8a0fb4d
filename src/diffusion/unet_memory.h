// What a run of the sampler may keep between calls of the UNet that differ in the noisy latents and the noise level alone.
#pragma once

#include <string>
#include <unordered_map>

#include "core/tensor.h"

namespace gsv3d {

/// One for each conditioning of a run: context, camera vector, frames and precision must stay the same. Small: one row per clip
/// or frame and layer.
struct UNetMemory {
  std::unordered_map<std::string, Tensor> constants;  ///< by layer: results that depend on neither latents nor noise level; exact
};

}  // namespace gsv3d
