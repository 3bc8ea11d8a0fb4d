// Where the latents of clips come from: the VAE latents of every orbit view and of its mirror image, computed once, because
// encoding is the larger part of a training step otherwise; or, on a GPU and for recoloured clips, the encoder in every step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "diffusion/autoencoder.h"
#include "training/clip_config.h"
#include "training/stage_context.h"

namespace gsv3d {

/// Throws Error when cached latents cannot serve: for recoloured clips, for data that grows.
void check_encode_views(const ClipTrainerConfig& config, bool data_grows);

class LatentCache {
 public:
  /// "cached": encodes the pictures of the training set's orbit views (mode, not scaled) with MODEL/vae.safetensors, or reads
  /// DATA/latents-<fingerprint of weights, architecture, precision and data>.safetensors, which it writes otherwise.
  /// "on_the_fly": keeps the encoder. Throws Error as check_encode_views() does.
  LatentCache(const StageContext& context, const ClipTrainerConfig& config);

  /// [B, N, z, h, w] float32 modes on the context's device, without gradients, N = frames. views [B, N, 4, S, S]: the clips'
  /// pictures, which are looked at only where encodes().
  Tensor clip_latents(const std::vector<Clip>& clips, const Tensor& views, int64_t frames) const;
  /// Whether latents are made of pictures in every step.
  bool encodes() const { return encoder_ != nullptr; }

  /// Of everything the latents depend on.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  void fill(const StageContext& context);
  Tensor encode(const Tensor& pictures) const;

  std::shared_ptr<const TrainingSet> set_;
  at::Device device_;
  at::ScalarType dtype_;
  AutoencoderConfig vae_;
  std::shared_ptr<nn::ParameterStore> store_;
  std::shared_ptr<const AutoencoderEncoder> encoder_;  // none when cached
  uint64_t fingerprint_ = 0;
  Tensor latents_;  // [orbits · 2 (mirrored) · orbit views, z, h, w] on the device
};

}  // namespace gsv3d
