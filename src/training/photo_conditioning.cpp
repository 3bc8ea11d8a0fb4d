#include "training/photo_conditioning.h"

namespace gsv3d {

Conditioning photo_conditioning(const ModelConfig& model, const ImageEmbedder& embedder, const ClipBatch& batch,
                                const Tensor& dropped) {
  const at::Device device = batch.latents.device();
  const Tensor kept = 1 - dropped.to(device);
  std::vector<Tensor> vectors;
  for (const double elevation : batch.elevations_degrees)
    vectors.push_back(camera_vector(sv3d_orbit_angles(batch.frames(), {elevation}), model.cond_aug, model.vector_dimensions));
  Conditioning conditioning;
  conditioning.frames = batch.frames();
  conditioning.crossattn =
      embedder(clip_preprocess(batch.photos.narrow(1, 0, 3) * 2 - 1, model.image_embedder.image_size)).to(at::kFloat) *
      kept.reshape({-1, 1, 1});
  conditioning.concat = conditioning_latents(model.vae, batch.latents.select(1, 0)) * kept.reshape({-1, 1, 1, 1});
  conditioning.vector = at::cat(vectors).to(device);
  return conditioning;
}

Tensor draw_flags(int64_t count, double probability, const at::Generator& generator) {
  return (at::rand({count}, generator, at::TensorOptions().dtype(at::kFloat)) < probability).to(at::kFloat);
}

Tensor clean_frames(const ModelConfig& model, const ClipBatch& batch) {
  return scaled_latents(model.vae, sv3d_clips_from_views(batch.latents)).flatten(0, 1);
}

}  // namespace gsv3d
