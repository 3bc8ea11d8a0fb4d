// The Gaussian Splatting Decoder of GSV3D, and in its place, by configuration, one of two relatives that it is compared with:
// from the photo alone (triplane) or from pictures of a few views (pixel_aligned). Design and sources: docs/decoder.md.
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

/// Gaussians from three planes that the photo's DINO tokens are turned into (triplane_decoder.h).
struct TriplaneConfig {
  int64_t side = 8;                                  ///< tokens along a plane's side, which upsampler_widths double
  int64_t point_tokens = 256, points_per_token = 8;  ///< their product is the number of Gaussians
  double half_side = 0.7;                            ///< of the planes, world units
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("side", side), visit("point_tokens", point_tokens), visit("points_per_token", points_per_token);
    visit("half_side", half_side);
  }
};

/// Gaussians from pictures of a few views by a U-Net (pixel_aligned_decoder.h).
struct PixelAlignedConfig {
  int64_t views = 4;                        ///< looked at, evenly spread among the N, the photo first
  std::vector<int64_t> widths = {64, 128};  ///< of the levels above the trunk, the pictures' own resolution first
  int64_t output_level = 1;                 ///< the level whose pixels become Gaussians
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("views", views), visit("widths", widths), visit("output_level", output_level);
  }
};
inline constexpr int64_t pixel_norm_groups = 8;  ///< of the U-Net's norms: widths are multiples of it

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
  /// Instead of the paper's decoder, one of them or none; without a hull. What has a meaning for them keeps it: the trunk's
  /// width, depth, heads and mlp_ratio; context_dim and the upsampler (triplane); near and far (pixel_aligned); scales and
  /// sh_degree.
  std::optional<TriplaneConfig> triplane;
  std::optional<PixelAlignedConfig> pixel_aligned;
  /// Whether pictures of the views are needed beside their latents.
  bool sees_pictures() const { return hull || pixel_aligned; }
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("latent_channels", latent_channels), visit("patch_size", patch_size), visit("width", width), visit("depth", depth);
    visit("num_heads", num_heads), visit("mlp_ratio", mlp_ratio), visit("context_dim", context_dim);
    visit("upsampler_widths", upsampler_widths), visit("upsampler_heads", upsampler_heads);
    visit("upsampler_window", upsampler_window), visit("sh_degree", sh_degree), visit("near", near), visit("far", far);
    visit("min_scale", min_scale), visit("max_scale", max_scale), visit("hull", hull);
    visit("triplane", triplane), visit("pixel_aligned", pixel_aligned);
  }
};

/// Throws Error naming what makes no sense, whichever network it is.
void check_gaussian_decoder(const GaussianDecoderConfig& config);

class GaussianNetwork;

class GaussianDecoder {
 public:
  GaussianDecoder(const GaussianDecoderConfig& config, const nn::Scope& scope);
  ~GaussianDecoder();
  GaussianDecoder(GaussianDecoder&&) noexcept;

  /// latents [B, N, C, h, w] (the diffusion variable: scaled), one batch of N cameras per item (any image size: only rays count;
  /// usually all items share one orbit), context [B, T, context_dim] → B sets of N·H·W Gaussians, H = h / patch_size · 2^stages,
  /// views in order, pixels row-major. When it sees_pictures() also pictures [B, N, 4, S, S] (image/picture.h; 3 channels do for
  /// silhouettes from features, and pixel_aligned) of the views, decoded from the latents, view 0 the photo's own: S of any size,
  /// gradients flow to them. The relatives' Gaussians: triplane_decoder.h, pixel_aligned_decoder.h.
  std::vector<Gaussians> operator()(const Tensor& latents, const std::vector<Cameras>& cameras, const Tensor& context,
                                    const Tensor& pictures = {}) const;

 private:
  GaussianDecoderConfig config_;
  std::unique_ptr<const GaussianNetwork> network_;
};

}  // namespace gsv3d
