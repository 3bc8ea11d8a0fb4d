#include "training/clip_batch.h"

#include <algorithm>
#include <span>

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
ChosenViews random_views(const TrainingSet& set, const std::vector<Clip>& clips, const BatchShare& share, int64_t count,
                         const at::Generator& generator) {
  ChosenViews chosen{{}, std::min(count, set.least_views())};
  const auto numbers = uniform_numbers(share.whole * chosen.per_clip, generator);
  auto next = static_cast<size_t>(share.first * chosen.per_clip);
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

/// Places among the chosen views that belong to mirrored clips.
std::vector<int64_t> mirrored_places(std::span<const Clip> clips, int64_t per_clip) {
  std::vector<int64_t> places;
  for (size_t i = 0; i < clips.size(); ++i)
    for (int64_t j = 0; clips[i].mirrored && j < per_clip; ++j) places.push_back(static_cast<int64_t>(i) * per_clip + j);
  return places;
}

/// Flips images [K, ..., S] of mirrored clips in place.
void flip_mirrored(Tensor& images, std::span<const Clip> clips, int64_t per_clip) {
  const std::vector<int64_t> places = mirrored_places(clips, per_clip);
  if (places.empty()) return;
  const Tensor index = index_tensor(places, images.device());
  images.index_copy_(0, index, images.index_select(0, index).flip(-1));
}

/// The gain of every colour channel: [B, 1, 3, 1, 1], undefined when no clip is recoloured.
Tensor colour_gains(std::span<const Clip> clips, at::Device device) {
  std::vector<double> gains;
  for (const Clip& clip : clips) gains.insert(gains.end(), clip.gains.begin(), clip.gains.end());
  if (std::all_of(gains.begin(), gains.end(), [](double gain) { return gain == 1; })) return {};
  return to_device(at::tensor(gains, at::kFloat), device).view({-1, 1, 3, 1, 1});
}

/// Writes the views' pictures into `out` [B · per_clip, 4, S, S]; `indices` are theirs.
void write_pictures(const TrainingSet& set, std::span<const Clip> clips, std::span<const int64_t> indices, Tensor out) {
  const size_t per_clip = indices.size() / clips.size();
  // Channels are chosen together with views: a permutation of colours then costs nothing.
  std::vector<int64_t> planes;
  for (size_t i = 0; i < indices.size(); ++i) {
    for (const int64_t channel : clips[i / per_clip].channels) planes.push_back(4 * indices[i] + channel);
    planes.push_back(4 * indices[i] + 3);
  }
  Tensor bytes = set.planes(planes, out.device()).unflatten(0, {-1, 4});
  flip_mirrored(bytes, clips, static_cast<int64_t>(per_clip));
  out.copy_(bytes).div_(255);
  const Tensor rgb = out.narrow(1, 0, 3), alpha = out.narrow(1, 3, 1);
  if (const Tensor gains = colour_gains(clips, out.device()); gains.defined())
    rgb.unflatten(0, {static_cast<int64_t>(clips.size()), static_cast<int64_t>(per_clip)}).mul_(gains);
  rgb.mul_(alpha).add_(1 - alpha);  // over white, as picture() does
}

/// → [B · per_clip, 4, S, S] pictures on the device.
Tensor pictures_of(const TrainingSet& set, const std::vector<Clip>& clips, const ChosenViews& chosen, at::Device device) {
  const auto count = static_cast<int64_t>(clips.size());
  // All at once on a GPU; clip by clip on a CPU, whose caches hold no more.
  const int64_t chunk = device.is_cpu() ? 1 : count;
  const Tensor pictures = at::empty({count * chosen.per_clip, 4, set.image_size(), set.image_size()},
                                    at::TensorOptions().dtype(at::kFloat).device(device));
  for (int64_t first = 0; first < count; first += chunk) {
    const int64_t view = first * chosen.per_clip, views = chunk * chosen.per_clip;
    write_pictures(set, std::span(clips).subspan(static_cast<size_t>(first), static_cast<size_t>(chunk)),
                   std::span(chosen.indices).subspan(static_cast<size_t>(view), static_cast<size_t>(views)),
                   pictures.narrow(0, view, views));
  }
  return pictures;
}

TargetViews true_views(const TrainingSet& set, const std::vector<Clip>& clips, const ChosenViews& chosen, at::Device device) {
  require(set.has_depth(), "the training data is without depth");
  const Tensor pictures = pictures_of(set, clips, chosen, device);
  Tensor depth = set.depths(chosen.indices, device).unsqueeze(1);
  flip_mirrored(depth, clips, chosen.per_clip);
  return {pictures.narrow(1, 0, 3), pictures.narrow(1, 3, 1), depth.to(at::kFloat)};
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
                         at::Device device, bool with_views) {
  ClipBatch batch;
  batch.clips = clips;
  const auto count = static_cast<int64_t>(clips.size());
  if (with_views || cache.encodes()) {
    batch.views = pictures_of(set, clips, own_views(set, clips, frames), device).unflatten(0, {count, frames});
    batch.photos = batch.views.select(1, 0);
  } else {
    ChosenViews photos{{}, 1};
    for (const Clip& clip : clips) photos.indices.push_back(set.orbit(clip.orbit).first + clip.start);
    batch.photos = pictures_of(set, clips, photos, device);
  }
  batch.latents = cache.clip_latents(clips, batch.views, frames);
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

Supervision draw_supervision(const TrainingSet& set, const std::vector<Clip>& clips, const BatchShare& share, int64_t count,
                             const at::Generator& generator, at::Device device) {
  const ChosenViews chosen = random_views(set, clips, share, count, generator);
  return {cameras_of(set, clips, chosen, device), true_views(set, clips, chosen, device), chosen.per_clip};
}

TargetViews true_clip_views(const TrainingSet& set, const std::vector<Clip>& clips, int64_t frames, at::Device device) {
  return true_views(set, clips, own_views(set, clips, frames), device);
}

}  // namespace gsv3d
