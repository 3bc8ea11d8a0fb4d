// What every block of the VideoUNet is told about one call: how the rows are split into clips and frames, and what they are
// conditioned on.
#pragma once

#include <string>

#include "core/safetensors.h"
#include "core/tensor.h"

namespace gsv3d {

struct FrameBatch {
  int64_t clips = 1, frames = 1;
  Tensor embedding;     ///< [B·F, 4·model_channels]: SiLU of time plus camera embedding; every res block starts with that SiLU
  Tensor context;       ///< [B, tokens, context_dim] or, where it differs between frames, [B·F, tokens, context_dim]
  Tensor time_context;  ///< [B, tokens, context_dim]: the context of each clip's first frame
  Tensor image_only;    ///< [B, F] boolean, true where the temporal path is skipped; undefined: nowhere
  NamedTensors* activations = nullptr;

  /// Keeps a copy of a submodule's output under the checkpoint's name of it, when the caller asked for them.
  void record(const std::string& name, const Tensor& output) const {
    if (activations) (*activations)[name] = output.detach().clone();
  }
};

}  // namespace gsv3d
