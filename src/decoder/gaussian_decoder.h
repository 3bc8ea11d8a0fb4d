// The Gaussian Splatting Decoder of GSV3D: multi-view latents and their cameras → a ViT that also looks at the photo's DINO
// tokens → an upsampler → one Gaussian per output pixel, placed along that pixel's ray. Design and sources: docs/decoder.md.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "camera/camera.h"
#include "core/config.h"
#include "core/tensor.h"
#include "decoder/visual_hull.h"
#include "gaussians/gaussians.h"
#include "nn/parameter_store.h"

namespace gsv3d {

struct GaussianDecoderConfig {
  int64_t latent_channels = 4, patch_size = 2, width = 768, depth = 12, num_heads = 12, mlp_ratio = 4;
  int64_t context_dim = 768;                           ///< width of the DINO tokens; 0: the photo is not looked at
  std::vector<int64_t> upsampler_widths = {384, 192};  ///< one ×2 stage each
  int64_t upsampler_heads = 6, upsampler_window = 8;   ///< window side in pixels; every second layer is shifted by half a window
  int64_t sh_degree = 0;
  double near = 1.2, far = 2.8;  ///< limits of the distance along the ray, world units (camera radius 2, object radius ≤ 0.8)
  double min_scale = 0.0005, max_scale = 0.02;  ///< limits of the standard deviations, world units
  /// Where Gaussians start from: a visual hull in the views' colours; without it, a grey shell, near to far.
  std::optional<VisualHullConfig> hull;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("latent_channels", latent_channels), visit("patch_size", patch_size), visit("width", width), visit("depth", depth);
    visit("num_heads", num_heads), visit("mlp_ratio", mlp_ratio), visit("context_dim", context_dim);
    visit("upsampler_widths", upsampler_widths), visit("upsampler_heads", upsampler_heads);
    visit("upsampler_window", upsampler_window), visit("sh_degree", sh_degree), visit("near", near), visit("far", far);
    visit("min_scale", min_scale), visit("max_scale", max_scale), visit("hull", hull);
  }
};

class GaussianDecoder {
 public:
  GaussianDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope);
  ~GaussianDecoder();
  GaussianDecoder(GaussianDecoder&&) noexcept;

  /// latents [B, N, C, h, w] (the diffusion variable: scaled), one batch of N cameras per item (any image size: only rays count;
  /// usually all items share one orbit), context [B, T, context_dim] → B sets of N·H·W Gaussians, H = h / patch_size · 2^stages,
  /// views in order, pixels row-major. With a hull also pictures [B, N, 4, S, S] (image/picture.h; 3 channels do for silhouettes
  /// from features) of the views, decoded from the latents, view 0 the photo's own: S of any size, gradients flow to them.
  std::vector<Gaussians> operator()(const Tensor& latents, const std::vector<Cameras>& cameras, const Tensor& context,
                                    const Tensor& pictures = {}) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
