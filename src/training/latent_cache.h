// The VAE latents of every orbit view and of its mirror image, computed once: encoding is the larger part of a training step
// otherwise.
#pragma once

#include <vector>

#include "training/stage_context.h"

namespace gsv3d {

class LatentCache {
 public:
  /// Encodes the training set's orbit views over white (mode, not scaled) with MODEL/vae.safetensors, or reads
  /// DATA/latents-<fingerprint of weights, architecture, precision and data>.safetensors, which it writes otherwise.
  explicit LatentCache(const StageContext& context);

  /// Views of one orbit: [K, z, h, w] float32 on the CPU.
  Tensor views(int64_t orbit, const std::vector<int64_t>& indices, bool mirrored) const;

  /// Of everything the latents depend on.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  uint64_t fingerprint_ = 0;
  Tensor latents_;  // [orbits, 2 (mirrored), orbit views, z, h, w]
};

}  // namespace gsv3d
