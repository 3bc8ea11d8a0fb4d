#include "training/view_sampler.h"

#include "core/error.h"

namespace gsv3d {

void check_clip_sampling(const ClipSampling& sampling, int64_t orbit_views) {
  require(sampling.frames > 0 && orbit_views % sampling.frames == 0, "{} frames per clip do not divide the data's {} orbit views",
          sampling.frames, orbit_views);
}

std::vector<Clip> draw_clips(const TrainingSet& set, const ClipSampling& sampling, int64_t count,
                             const at::Generator& generator) {
  constexpr int64_t numbers_per_clip = 6;
  const std::vector<double> numbers = uniform_numbers(count * numbers_per_clip, generator);
  std::vector<Clip> clips;
  for (int64_t i = 0; i < count; ++i) {
    const double* u = &numbers[static_cast<size_t>(numbers_per_clip * i)];
    Clip clip;
    clip.orbit = set.draw(u[0], u[1], u[2]);
    clip.start = u[3] < sampling.front_probability ? 0 : pick(u[4], set.orbit_views());
    clip.mirrored = u[5] < sampling.mirror_probability;
    clips.push_back(clip);
  }
  return clips;
}

std::vector<int64_t> clip_views(const Clip& clip, int64_t orbit_views, int64_t frames) {
  const int64_t stride = orbit_views / frames * (clip.mirrored ? -1 : 1);
  std::vector<int64_t> views;
  for (int64_t j = 0; j < frames; ++j) views.push_back(((clip.start + j * stride) % orbit_views + orbit_views) % orbit_views);
  return views;
}

Cameras clip_cameras(const ObjectViews& views, const Clip& clip, const std::vector<int64_t>& indices) {
  const double photo_azimuth = 360.0 * static_cast<double>(clip.start) / static_cast<double>(views.orbit_views);
  const Cameras turned = rotate_azimuth(views.cameras.select(at::tensor(indices, at::kLong)), photo_azimuth);
  return clip.mirrored ? mirrored(turned) : turned;
}

}  // namespace gsv3d
