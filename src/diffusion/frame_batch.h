// What every block of the VideoUNet is told about one call: how the rows are split into clips and frames, and what they are
// conditioned on.
#pragma once

#include <c10/core/GradMode.h>

#include <string>

#include "core/safetensors.h"
#include "core/tensor.h"
#include "diffusion/savings.h"
#include "diffusion/unet_memory.h"

namespace gsv3d {

struct FrameBatch {
  int64_t clips = 1, frames = 1;
  Tensor embedding;     ///< [B·F, 4·model_channels]: SiLU of time plus camera embedding; every res block starts with that SiLU
  Tensor context;       ///< [B, tokens, context_dim] or, where it differs between frames, [B·F, tokens, context_dim]
  Tensor time_context;  ///< [B, tokens, context_dim]: the context of each clip's first frame
  Tensor image_only;    ///< [B, F] boolean, true where the temporal path is skipped; undefined: nowhere
  NamedTensors* activations = nullptr;
  UNetMemory* memory = nullptr;  ///< of the sampler's run; none: nothing is kept

  /// Keeps a copy of a submodule's output under the checkpoint's name of it, when the caller asked for them.
  void record(const std::string& name, const Tensor& output) const {
    if (activations) (*activations)[name] = output.detach().clone();
  }

  /// What `make` returns, made once per run where that is allowed. It must depend on neither latents nor noise level, and nobody
  /// may write into it. Never where gradients are recorded: they would be lost, and weights may change between calls.
  template <class Make>
  Tensor once(const std::string& layer, const Make& make) const {
    if (!memory || c10::GradMode::is_enabled() || !savings().once_per_run) return make();
    Tensor& kept = memory->constants[layer];
    if (!kept.defined()) kept = make();
    return kept;
  }
};

}  // namespace gsv3d
