#include "training/clip_batch.h"

#include <algorithm>

#include "core/device.h"
#include "core/error.h"
#include "diffusion/view_order.h"

namespace gsv3d {
namespace {

/// Some views of each clip, `per_clip` indices into the set for each, clip-major.
struct ChosenViews {
  std::vector<int64_t> indices;
  int64_t per_clip = 0;
};

ChosenViews own_views(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames) {
  ChosenViews chosen{{}, frames};
  for (const Clip& clip : clips)
    for (const int64_t view : clip_views(clip, set.orbit_views(), frames))
      chosen.indices.push_back(set.orbit(clip.orbit).first + view);
  return chosen;
}

/// `count` different ones of all views of each clip's orbit, in random order.
ChosenViews random_views(const TrainingSet& set, const std::vector<Clip>& clips, int64_t count, const at::Generator& generator) {
  ChosenViews chosen{{}, std::min(count, set.least_views())};
  const auto numbers = uniform_numbers(static_cast<int64_t>(clips.size()) * chosen.per_clip, generator);
  size_t next = 0;
  for (const Clip& clip : clips) {
    const TrainingSet::Orbit& orbit = set.orbit(clip.orbit);
    std::vector<int64_t> order(static_cast<size_t>(orbit.count));
    for (int64_t i = 0; i < orbit.count; ++i) order[static_cast<size_t>(i)] = orbit.first + i;
    for (int64_t i = 0; i < chosen.per_clip; ++i) {  // the beginning of Fisher and Yates's shuffle
      std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(i + pick(numbers[next++], orbit.count - i))]);
      chosen.indices.push_back(order[static_cast<size_t>(i)]);
    }
  }
  return chosen;
}

/// [B · per_clip, 1, 1, 1] bool: views of mirrored clips. Undefined when there is none.
Tensor mirrored_views(const std::vector<Clip>& clips, int64_t per_clip, at::Device device) {
  std::vector<int64_t> flags;
  for (const Clip& clip : clips) flags.insert(flags.end(), static_cast<size_t>(per_clip), clip.mirrored ? 1 : 0);
  if (std::find(flags.begin(), flags.end(), 1) == flags.end()) return {};
  return index_tensor(flags, device).to(at::kBool).view({-1, 1, 1, 1});
}

Tensor flipped_where(const Tensor& mirrored, const Tensor& images) {
  return mirrored.defined() ? at::where(mirrored, images.flip(-1), images) : images;
}

/// The gain of every channel, alpha's included: [B, 1, 4, 1, 1], undefined when no clip is recoloured.
Tensor channel_gains(const std::vector<Clip>& clips, at::Device device) {
  std::vector<double> gains;
  for (const Clip& clip : clips) {
    gains.insert(gains.end(), clip.gains.begin(), clip.gains.end());
    gains.push_back(1);
  }
  if (std::all_of(gains.begin(), gains.end(), [](double gain) { return gain == 1; })) return {};
  return to_device(at::tensor(gains, at::kFloat), device).view({-1, 1, 4, 1, 1});
}

/// → [B · per_clip, 4, S, S] pictures on the device.
Tensor pictures_of(const TrainingSet& set, const std::vector<Clip>& clips, const ChosenViews& chosen, at::Device device) {
  // Channels are chosen together with views: a permutation of colours then costs nothing.
  std::vector<int64_t> planes;
  for (size_t i = 0; i < chosen.indices.size(); ++i) {
    const Clip& clip = clips[i / static_cast<size_t>(chosen.per_clip)];
    for (const int64_t channel : clip.channels) planes.push_back(4 * chosen.indices[i] + channel);
    planes.push_back(4 * chosen.indices[i] + 3);
  }
  const Tensor all = set.rgba().flatten(0, 1);
  const Tensor bytes = to_device(all.index_select(0, index_tensor(planes, all.device())), device).unflatten(0, {-1, 4});
  Tensor rgba = flipped_where(mirrored_views(clips, chosen.per_clip, device), bytes).to(at::kFloat).div_(255);
  if (const Tensor gains = channel_gains(clips, device); gains.defined())
    rgba.unflatten(0, {static_cast<int64_t>(clips.size()), chosen.per_clip}).mul_(gains);
  return picture(rgba);
}

TargetViews true_views(const TrainingSet& set, const std::vector<Clip>& clips, const ChosenViews& chosen, at::Device device) {
  require(set.has_depth(), "the training data is without depth");
  const Tensor pictures = pictures_of(set, clips, chosen, device);
  const Tensor all = set.depth();
  const Tensor depth = to_device(all.index_select(0, index_tensor(chosen.indices, all.device())), device).unsqueeze(1);
  return {pictures.narrow(1, 0, 3), pictures.narrow(1, 3, 1),
          flipped_where(mirrored_views(clips, chosen.per_clip, device), depth).to(at::kFloat)};
}

/// One entry per clip, moved to the device together.
std::vector<Cameras> cameras_of(const TrainingSet& set, const std::vector<Clip>& clips, const ChosenViews& chosen,
                                at::Device device) {
  const Cameras host = clip_cameras(set, clips, chosen.indices, chosen.per_clip);
  const Cameras all{to_device(host.world_to_camera, device), to_device(host.intrinsics, device), host.width, host.height};
  std::vector<Cameras> cameras;
  for (int64_t begin = 0; begin < all.count(); begin += chosen.per_clip)
    cameras.push_back(all.slice(begin, begin + chosen.per_clip));
  return cameras;
}

}  // namespace

ClipBatch assemble_clips(const TrainingSet& set, const LatentCache& cache, const std::vector<Clip>& clips, int64_t frames,
                         at::Device device) {
  ClipBatch batch;
  batch.clips = clips;
  const auto count = static_cast<int64_t>(clips.size());
  batch.views = pictures_of(set, clips, own_views(set, clips, frames), device).unflatten(0, {count, frames});
  batch.photos = batch.views.select(1, 0);
  batch.latents = cache.clip_latents(clips, batch.views);
  for (const Clip& clip : clips) batch.elevations_degrees.push_back(set.orbit(clip.orbit).elevation_degrees);
  return batch;
}

Tensor sv3d_clips_from_views(const Tensor& clips) {
  return sv3d_frames_from_views(clips.transpose(0, 1)).transpose(0, 1);
}
Tensor views_from_sv3d_clips(const Tensor& clips) {
  return views_from_sv3d_frames(clips.transpose(0, 1)).transpose(0, 1);
}

std::vector<Cameras> clip_cameras(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames, at::Device device) {
  return cameras_of(set, clips, own_views(set, clips, frames), device);
}

Supervision draw_supervision(const TrainingSet& set, const std::vector<Clip>& clips, int64_t count,
                             const at::Generator& generator, at::Device device) {
  const ChosenViews chosen = random_views(set, clips, count, generator);
  return {cameras_of(set, clips, chosen, device), true_views(set, clips, chosen, device), chosen.per_clip};
}

TargetViews true_clip_views(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames, at::Device device) {
  return true_views(set, clips, own_views(set, clips, frames), device);
}

}  // namespace gsv3d
