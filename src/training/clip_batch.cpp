#include "training/clip_batch.h"

#include <algorithm>

#include "core/error.h"
#include "diffusion/view_order.h"

namespace gsv3d {
namespace {

/// Views of the clip's orbit, mirrored where the clip is.
TargetViews true_views(const ObjectViews& views, const Clip& clip, const std::vector<int64_t>& indices, at::Device device) {
  require(views.depth.defined(), "{}: has no depth", views.id);
  const Tensor rgba = view_images(views, indices, clip.mirrored).to(device);
  const Tensor depth = views.depth.index_select(0, at::tensor(indices, at::kLong)).to(device, at::kFloat).unsqueeze(1);
  return {on_white(rgba), rgba.narrow(1, 3, 1), clip.mirrored ? depth.flip(-1) : depth};
}

TargetViews joined(const std::vector<TargetViews>& parts) {
  std::vector<Tensor> rgb, alpha, depth;
  for (const TargetViews& one : parts) rgb.push_back(one.rgb), alpha.push_back(one.alpha), depth.push_back(one.depth);
  return {at::cat(rgb), at::cat(alpha), at::cat(depth)};
}

}  // namespace

ClipBatch assemble_clips(const TrainingSet& set, const LatentCache& cache, const std::vector<Clip>& clips, int64_t frames,
                         at::Device device) {
  ClipBatch batch;
  batch.clips = clips;
  std::vector<Tensor> latents, pictures;
  for (const Clip& clip : clips) {
    const ObjectViews& views = set.orbits[static_cast<size_t>(clip.orbit)];
    latents.push_back(cache.views(clip.orbit, clip_views(clip, views.orbit_views, frames), clip.mirrored));
    pictures.push_back(picture(view_images(views, clip_views(clip, views.orbit_views, frames), clip.mirrored)));
    batch.elevations_degrees.push_back(views.elevation_degrees);
  }
  batch.latents = at::stack(latents).to(device);
  batch.views = at::stack(pictures).to(device);
  batch.photos = batch.views.select(1, 0);
  return batch;
}

Tensor sv3d_clips_from_views(const Tensor& clips) {
  return sv3d_frames_from_views(clips.transpose(0, 1)).transpose(0, 1);
}
Tensor views_from_sv3d_clips(const Tensor& clips) {
  return views_from_sv3d_frames(clips.transpose(0, 1)).transpose(0, 1);
}

std::vector<Cameras> clip_cameras(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames, at::Device device) {
  std::vector<Cameras> cameras;
  for (const Clip& clip : clips) {
    const ObjectViews& views = set.orbits[static_cast<size_t>(clip.orbit)];
    cameras.push_back(clip_cameras(views, clip, clip_views(clip, views.orbit_views, frames)).to(device));
  }
  return cameras;
}

Supervision draw_supervision(const TrainingSet& set, const std::vector<Clip>& clips, int64_t count,
                             const at::Generator& generator, at::Device device) {
  Supervision supervision;
  std::vector<TargetViews> targets;
  for (const Clip& clip : clips) {
    const ObjectViews& views = set.orbits[static_cast<size_t>(clip.orbit)];
    const int64_t total = views.rgba.size(0);
    const Tensor order =
        at::randperm(total, generator, at::TensorOptions().dtype(at::kLong)).narrow(0, 0, std::min(count, total));
    const std::vector<int64_t> indices(order.const_data_ptr<int64_t>(), order.const_data_ptr<int64_t>() + order.numel());
    supervision.cameras.push_back(clip_cameras(views, clip, indices).to(device));
    targets.push_back(true_views(views, clip, indices, device));
    supervision.views = static_cast<int64_t>(indices.size());
  }
  supervision.targets = joined(targets);
  return supervision;
}

TargetViews true_clip_views(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames, at::Device device) {
  std::vector<TargetViews> truth;
  for (const Clip& clip : clips) {
    const ObjectViews& views = set.orbits[static_cast<size_t>(clip.orbit)];
    truth.push_back(true_views(views, clip, clip_views(clip, views.orbit_views, frames), device));
  }
  return joined(truth);
}

}  // namespace gsv3d
