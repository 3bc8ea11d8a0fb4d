// The KL autoencoder of Stable Diffusion (sgm/modules/diffusionmodules/model.py), images ⇄ latents at 1/8 of the size. Beyond it,
// and off in SV3D's: an alpha channel, patches of pixels as channels, and a scale for each channel of the latents.
#pragma once

#include <memory>
#include <vector>

#include "core/config.h"
#include "core/tensor.h"
#include "nn/parameter_store.h"

namespace gsv3d {

struct AutoencoderConfig {
  int64_t z_channels = 4, ch = 128;
  int64_t in_channels = 3, out_ch = 3;  ///< 3: RGB over white; 4: pictures with alpha (image/picture.h)
  /// Squares of so many pixels a side become channels before the first convolution, and pixels again after the last: little then
  /// runs at the full resolution.
  int64_t patch_size = 1;
  std::vector<int64_t> ch_mult = {1, 2, 4, 4};  ///< one level per entry; the image shrinks by 2 between levels
  int64_t num_res_blocks = 2;
  int64_t norm_groups = 32;       ///< 32 in every official checkpoint
  double scale_factor = 0.18215;  ///< multiplies latents when they are the diffusion variable
  bool post_quant_conv = false;   ///< decoding begins with that 1×1 convolution: Stable Diffusion's, not SV3D's
  /// Both empty, or z_channels numbers each: the diffusion variable is then (z - shift) · scale, and scale_factor is not used.
  std::vector<double> latent_shift, latent_scale;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("z_channels", z_channels), visit("in_channels", in_channels), visit("out_ch", out_ch), visit("ch", ch);
    visit("ch_mult", ch_mult), visit("num_res_blocks", num_res_blocks), visit("norm_groups", norm_groups);
    visit("scale_factor", scale_factor), visit("patch_size", patch_size);
    visit("latent_shift", latent_shift), visit("latent_scale", latent_scale), visit("post_quant_conv", post_quant_conv);
  }
  int64_t downsampling() const { return patch_size << (ch_mult.size() - 1); }
  bool scales_channels() const { return !latent_scale.empty(); }
  /// The architecture alone, without what training measures of its latents: what decides whether weights fit.
  AutoencoderConfig without_scaling() const;
};

/// Latents [..., z, h, w] as the encoder makes them → the diffusion variable, of unit variance; and back.
Tensor scaled_latents(const AutoencoderConfig& config, const Tensor& latents);
Tensor unscaled_latents(const AutoencoderConfig& config, const Tensor& latents);

/// What the UNet's input is concatenated with, from the photo's latent mode [..., z, h, w]: the mode as it is by SV3D's
/// convention (its one scale factor leaves it of another size than the noisy frames); models with a scale for each channel get
/// the scaled.
Tensor conditioning_latents(const AutoencoderConfig& config, const Tensor& mode);

/// Pictures [..., 3 or 4, H, W] in 0-1 (RGB over white, alpha) → what the encoder takes: its in_channels first channels in [-1,
/// 1]. Throws Error when the pictures have no alpha and the encoder needs it.
Tensor signed_pictures(const AutoencoderConfig& config, const Tensor& pictures);

/// How activations lie in memory inside the two networks (what goes in and comes out is contiguous either way). Contiguous is the
/// default: in bfloat16 it trains 1.3 times faster on the CPU (bench/bench_autoencoder.cpp), and LibTorch's channels-last group
/// norm computes the variance as E[x²] - E[x]², which moves the moments by 2e-4 of their maximum instead of 5e-6.
inline constexpr at::MemoryFormat autoencoder_layout = at::MemoryFormat::Contiguous;

/// Images to the moments of their latents. In an SV3D checkpoint its parameters (encoder.*, quant_conv.*) lie under
/// conditioner.embedders.1.encoder; in a model folder's vae.safetensors under no prefix.
class AutoencoderEncoder {
 public:
  AutoencoderEncoder(const AutoencoderConfig& config, const nn::Scope& scope, at::MemoryFormat layout = autoencoder_layout);
  ~AutoencoderEncoder();
  AutoencoderEncoder(AutoencoderEncoder&&) noexcept;
  /// images [B, in_channels, H, W] in [-1, 1] → moments [B, 2·z_channels, H/8, W/8] (downsampling() instead of 8): mean, log
  /// variance (clamped to [-30, 20] where used).
  Tensor moments(const Tensor& images) const;
  /// The mode of the latent distribution, not scaled: [B, z_channels, H/8, W/8].
  Tensor mode(const Tensor& images) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Latents to images. In an SV3D checkpoint: first_stage_model.decoder.*; in vae.safetensors: decoder.*. Without
/// post_quant_conv unless the configuration says so (SV3D's temporal VideoDecoder does not use it either).
class AutoencoderDecoder {
 public:
  AutoencoderDecoder(const AutoencoderConfig& config, const nn::Scope& scope, at::MemoryFormat layout = autoencoder_layout);
  ~AutoencoderDecoder();
  AutoencoderDecoder(AutoencoderDecoder&&) noexcept;
  /// Unscaled latents [B, z_channels, h, w] → images [B, out_ch, 8h, 8w], about [-1, 1], not clamped. `chunk` > 0 decodes that
  /// many at a time.
  Tensor operator()(const Tensor& latents, int64_t chunk = 0) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace gsv3d
