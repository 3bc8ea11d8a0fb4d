// Stable Diffusion's network for single pictures (ldm/modules/diffusionmodules/openaimodel.py: UNetModel with linear projections,
// as versions 2.x have it): the VideoUNet's stages without their temporal halves. Parameter names are the official checkpoint's.
#pragma once

#include <memory>

#include "core/tensor.h"
#include "diffusion/unet_config.h"
#include "diffusion/unet_memory.h"
#include "nn/parameter_store.h"

namespace gsv3d {

/// The defaults are Stable Diffusion 2.x's.
struct UNet2DConfig : UNetConfig {
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("in_channels", in_channels), visit("out_channels", out_channels), visit("model_channels", model_channels);
    visit("attention_resolutions", attention_resolutions), visit("num_res_blocks", num_res_blocks);
    visit("channel_mult", channel_mult), visit("num_head_channels", num_head_channels);
    visit("transformer_depth", transformer_depth), visit("context_dim", context_dim), visit("norm_groups", norm_groups);
  }
};

class UNet2D {
 public:
  struct Input {
    Tensor x;                      ///< [B, in_channels, h, w] noisy latents, scaled
    Tensor timesteps;              ///< [B] in 0 … 999, as the network was trained
    Tensor context;                ///< [B, tokens, context_dim] of the text
    UNetMemory* memory = nullptr;  ///< of a sampler's run with this context
  };

  UNet2D(const UNet2DConfig& config, const nn::Scope& scope);
  /// As VideoUNet's: the weights of one stage at a time are on streaming.device. For inference only.
  UNet2D(const UNet2DConfig& config, const nn::Scope& scope, const nn::Streaming& streaming);
  ~UNet2D();
  UNet2D(UNet2D&&) noexcept;

  /// → [B, out_channels, h, w]; h and w must be multiples of 2^(levels - 1). Throws Error when shapes do not fit. Copies of
  /// submodules' outputs go into `activations`, by the checkpoint's names.
  Tensor operator()(const Input& input, NamedTensors* activations = nullptr) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
