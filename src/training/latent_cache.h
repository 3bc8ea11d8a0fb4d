// Where the latents of clips come from: the VAE latents of every orbit view and of its mirror image, computed once, because
// encoding is the larger part of a training step otherwise; or, on a GPU and for recoloured clips, the encoder in every step.
#pragma once

#include <algorithm>
#include <filesystem>
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
  /// "cached": encodes the pictures of the training set's orbit views (mode, not scaled) with MODEL/vae.safetensors into
  /// DATA/latents-<fingerprint of weights, architecture, precision and data>/000000.safetensors, …, each of kOrbitsPerFile
  /// orbits, each process its part, or reads those that are there: what was interrupted goes on. Latents of a set in memory are
  /// kept in memory, too; those of one in its shards stay in their files, mapped. "on_the_fly": keeps the encoder. Throws Error
  /// as check_encode_views() does, and when files do not fit the data, or cannot be written for a set that stays in its shards.
  LatentCache(const StageContext& context, const ClipTrainerConfig& config);

  /// [B, N, z, h, w] float32 modes on the context's device, without gradients, N = frames. views [B, N, 4, S, S]: the clips'
  /// pictures, which are looked at only where encodes().
  Tensor clip_latents(const std::vector<Clip>& clips, const Tensor& views, int64_t frames) const;
  /// Whether latents are made of pictures in every step.
  bool encodes() const { return encoder_ != nullptr; }

  /// Of everything the latents depend on.
  uint64_t fingerprint() const { return fingerprint_; }

  static constexpr int64_t kOrbitsPerFile = 64;

 private:
  int64_t file_count() const { return (set_->size() + kOrbitsPerFile - 1) / kOrbitsPerFile; }
  int64_t orbits_of_file(int64_t file) const { return std::min(kOrbitsPerFile, set_->size() - file * kOrbitsPerFile); }
  std::filesystem::path file_path(int64_t index) const;
  void write_missing(const StageContext& context) const;
  void read();
  Tensor encode_orbits(int64_t file) const;
  Tensor mapped_rows(const std::vector<int64_t>& rows) const;
  Tensor encode(const Tensor& pictures) const;

  std::shared_ptr<const TrainingSet> set_;
  at::Device device_;
  at::ScalarType dtype_;
  AutoencoderConfig vae_;
  std::shared_ptr<nn::ParameterStore> store_;
  std::shared_ptr<const AutoencoderEncoder> encoder_;  // none when cached
  uint64_t fingerprint_ = 0;
  std::filesystem::path folder_, weights_;  // of the files, and where the encoder came from
  Tensor latents_;                          // of a set in memory: [orbits · 2 (mirrored) · orbit views, z, h, w] on the device
  std::vector<Tensor> files_;               // of one in its shards: the same rows, those of kOrbitsPerFile orbits in each
};

}  // namespace gsv3d
