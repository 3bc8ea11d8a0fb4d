// What the UNet is told of each clip's photo, built for a whole batch with gradients to the image embedder.
#pragma once

#include "diffusion/conditioning.h"
#include "diffusion/image_embedder.h"
#include "training/clip_batch.h"

namespace gsv3d {

/// crossattn: CLIP tokens of the photo; concat: the photo's latent (conditioning_latents(); the noise cond_aug on the photo,
/// 1e-5, is left out because it is below 8-bit rounding); vector: camera angles of the clip's frames in SV3D's order;
/// photo_latent: where sampler.clean_photo_frame asks for it, the photo's scaled latent. `dropped` [B] of 0 and 1: clips whose
/// crossattn, concat and photo_latent become zeros, for classifier-free guidance.
Conditioning photo_conditioning(const ModelConfig& model, const ImageEmbedder& embedder, const ClipBatch& batch,
                                const Tensor& dropped);

/// [count] float32 on the CPU: 1 with this probability, else 0.
Tensor draw_flags(int64_t count, double probability, const at::Generator& generator);

/// Diffusion's clean variable for a batch: scaled latents in SV3D's frame order, clip-major → [B·N, z, h, w].
Tensor clean_frames(const ModelConfig& model, const ClipBatch& batch);

}  // namespace gsv3d
