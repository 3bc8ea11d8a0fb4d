#include "training/photo_conditioning.h"

#include "diffusion/autoencoder.h"

namespace gsv3d {
namespace {

/// Of all frames of all clips, clip-major.
OrbitAngles clip_angles(const ClipBatch& batch) {
  OrbitAngles all;
  for (const double elevation : batch.elevations_degrees) {
    const OrbitAngles clip = sv3d_orbit_angles(batch.frames(), {elevation});
    all.polars_radians.insert(all.polars_radians.end(), clip.polars_radians.begin(), clip.polars_radians.end());
    all.azimuths_radians.insert(all.azimuths_radians.end(), clip.azimuths_radians.begin(), clip.azimuths_radians.end());
  }
  return all;
}

}  // namespace

Conditioning photo_conditioning(const ModelConfig& model, const ImageEmbedder& embedder, const ClipBatch& batch,
                                const Tensor& dropped) {
  const at::Device device = batch.latents.device();
  const Tensor kept = 1 - dropped.to(device, /*non_blocking=*/true), keeps_latent = kept.reshape({-1, 1, 1, 1});
  const Tensor photos = batch.photos.narrow(1, 0, 3) * 2 - 1, photo_latents = batch.latents.select(1, 0);
  Conditioning conditioning;
  conditioning.frames = batch.frames();
  conditioning.crossattn =
      embedder(clip_preprocess(photos, model.image_embedder.image_size)).to(at::kFloat) * kept.reshape({-1, 1, 1});
  conditioning.concat = conditioning_latents(model.vae, photo_latents) * keeps_latent;
  if (model.sampler.clean_photo_frame) conditioning.photo_latent = scaled_latents(model.vae, photo_latents) * keeps_latent;
  conditioning.vector = camera_vector(clip_angles(batch), model.cond_aug, model.vector_dimensions, device);
  return conditioning;
}

Tensor draw_flags(int64_t count, double probability, const at::Generator& generator) {
  return (at::rand({count}, generator, at::TensorOptions().dtype(at::kFloat)) < probability).to(at::kFloat);
}

Tensor clean_frames(const ModelConfig& model, const ClipBatch& batch) {
  return scaled_latents(model.vae, sv3d_clips_from_views(batch.latents)).flatten(0, 1);
}

}  // namespace gsv3d
