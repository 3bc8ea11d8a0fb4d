// SV3D's network: a 2D UNet with temporal residual blocks and temporal transformers beside the spatial ones
// (sgm/modules/diffusionmodules/video_model.py: VideoUNet). Parameter names are the official checkpoint's.
#pragma once

#include <memory>

#include "core/tensor.h"
#include "diffusion/unet_config.h"
#include "diffusion/unet_memory.h"
#include "nn/parameter_store.h"

namespace gsv3d {

/// Field names follow the official yaml.
struct VideoUNetConfig : UNetConfig {
  int64_t adm_in_channels = 1280;
  /// Self-attention of the spatial blocks sees the tokens of all frames of a clip at once. Not SV3D's: its weights are per frame.
  bool joint_attention = false;
  VideoUNetConfig() { in_channels = 8; }
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("in_channels", in_channels), visit("out_channels", out_channels), visit("model_channels", model_channels);
    visit("attention_resolutions", attention_resolutions), visit("num_res_blocks", num_res_blocks);
    visit("channel_mult", channel_mult), visit("num_head_channels", num_head_channels);
    visit("transformer_depth", transformer_depth), visit("context_dim", context_dim);
    visit("adm_in_channels", adm_in_channels), visit("norm_groups", norm_groups), visit("joint_attention", joint_attention);
  }
};

class VideoUNet {
 public:
  struct Input {
    Tensor x;          ///< [B·F, in_channels, h, w]: scaled noisy latents ⊕ photo latents; clip-major: row b·F + f
    Tensor timesteps;  ///< [B·F] c_noise
    Tensor context;    ///< [B·F, tokens, context_dim] CLIP tokens, or [B, tokens, context_dim] to be repeated over frames
    Tensor y;          ///< [B·F, adm_in_channels] camera vector
    int64_t frames = 1;
    Tensor image_only_indicator;   ///< [B, F], ones where the temporal path is skipped; undefined: zeros
    UNetMemory* memory = nullptr;  ///< of a sampler's run with this conditioning
  };

  VideoUNet(const VideoUNetConfig& config, const nn::Scope& scope);
  /// Of the weights in `scope`, which are on the CPU, those of one stage at a time are copied to streaming.device. The results
  /// are those of a network that is there as a whole. For inference only.
  VideoUNet(const VideoUNetConfig& config, const nn::Scope& scope, const nn::Streaming& streaming);
  ~VideoUNet();
  VideoUNet(VideoUNet&&) noexcept;

  /// → [B·F, out_channels, h, w]; h and w must be multiples of 2^(levels - 1). Throws Error when shapes do not fit. When
  /// `activations` is given, copies of the outputs of submodules are stored into it for tests, by the checkpoint's names
  /// ("input_blocks.1.0").
  Tensor operator()(const Input& input, NamedTensors* activations = nullptr) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
