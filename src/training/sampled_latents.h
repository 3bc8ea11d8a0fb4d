// Latents that the sampler really makes, for training the Gaussian decoder on what it sees at generation.
#pragma once

#include <optional>

#include "diffusion/image_embedder.h"
#include "diffusion/video_unet.h"
#include "training/clip_batch.h"
#include "training/stage_context.h"

namespace gsv3d {

/// As generate_latents() makes them from each clip's photo, for a batch: the model's sampler and its guidance, the photo's own
/// latent in view 0. noise [B·N, z, h, w] unit normal, SV3D's frame order → scaled latents [B, N, z, h, w], design order, without
/// gradients.
Tensor sampled_latents(const VideoUNet& unet, const ImageEmbedder& embedder, const ModelConfig& model, const ClipBatch& batch,
                       const Tensor& noise);

/// The model folder's diffusion model for that, with its distilled LoRA where there is one, as the files were when this was made.
class LatentSampler {
 public:
  /// Throws Error naming the stage to run first when a file is missing.
  explicit LatentSampler(const StageContext& context);
  /// sampled_latents with noise from (seed, step); the clips of `batch` are `share` of those that get any.
  Tensor operator()(const ClipBatch& batch, const BatchShare& share, uint64_t seed, int64_t step) const;

 private:
  ModelConfig model_;
  VideoUNet unet_;
  ImageEmbedder embedder_;
};

}  // namespace gsv3d
