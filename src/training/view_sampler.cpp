#include "training/view_sampler.h"

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "training/seeds.h"

namespace gsv3d {
namespace {

/// Another colour for a clip, from five numbers in [0, 1).
void recolor(Clip& clip, const ClipSampling& sampling, const double* u) {
  constexpr std::array<std::array<int64_t, 3>, 6> permutations = {
      {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  if (u[0] >= sampling.recolor_probability) return;
  clip.channels = permutations[static_cast<size_t>(pick(u[1], 6))];
  for (size_t c = 0; c < 3; ++c) clip.gains[c] = sampling.min_gain + (1 - sampling.min_gain) * u[2 + c];
}

}  // namespace

void check_clip_sampling(const ClipSampling& sampling, int64_t orbit_views) {
  require(sampling.frames > 0 && orbit_views % sampling.frames == 0, "{} frames per clip do not divide the data's {} orbit views",
          sampling.frames, orbit_views);
}

std::vector<Clip> draw_clips(const TrainingSet& set, const ClipSampling& sampling, int64_t count,
                             const at::Generator& generator) {
  constexpr int64_t numbers_per_clip = 6, numbers_per_colour = 5;
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
  if (sampling.recolor_probability <= 0) return clips;
  const std::vector<double> colours = uniform_numbers(count * numbers_per_colour, generator);
  for (size_t i = 0; i < clips.size(); ++i) recolor(clips[i], sampling, &colours[static_cast<size_t>(numbers_per_colour) * i]);
  return clips;
}

std::vector<Clip> draw_clips_of_step(const TrainingSet& set, const ClipSampling& sampling, const BatchShare& share, int64_t step,
                                     uint64_t seed) {
  return share.of(draw_clips(set, sampling, share.whole, make_generator(step_seed(seed, step, "clips"))));
}

void prefetch_clips_of_step(const TrainingSet& set, const ClipSampling& sampling, const BatchShare& share, int64_t step,
                            uint64_t seed) {
  if (!set.in_shards()) return;
  std::vector<int64_t> orbits;
  for (const Clip& clip : draw_clips_of_step(set, sampling, share, step, seed)) orbits.push_back(clip.orbit);
  set.prefetch(orbits);
}

std::vector<int64_t> clip_views(const Clip& clip, int64_t orbit_views, int64_t frames) {
  const int64_t stride = orbit_views / frames * (clip.mirrored ? -1 : 1);
  std::vector<int64_t> views;
  for (int64_t j = 0; j < frames; ++j) views.push_back(((clip.start + j * stride) % orbit_views + orbit_views) % orbit_views);
  return views;
}

Cameras clip_cameras(const TrainingSet& set, const std::vector<Clip>& clips, const std::vector<int64_t>& views,
                     int64_t per_clip) {
  const auto count = static_cast<int64_t>(clips.size());
  const Cameras seen = set.cameras().select(at::tensor(views, at::kLong));
  // As rotate_azimuth() and mirrored() do for one clip: W becomes M (W Ry) M with M = diag(±1, 1, 1, 1).
  std::vector<double> turns, mirrors;
  for (const Clip& clip : clips) {
    const double azimuth = 2 * std::numbers::pi * static_cast<double>(clip.start) / static_cast<double>(set.orbit_views());
    const double c = std::cos(azimuth), s = std::sin(azimuth);
    turns.insert(turns.end(), {c, 0, s, 0, 0, 1, 0, 0, -s, 0, c, 0, 0, 0, 0, 1});
    mirrors.insert(mirrors.end(), {clip.mirrored ? -1.0 : 1.0, 1, 1, 1});
  }
  const Tensor turn = at::tensor(turns, at::kFloat).view({count, 1, 1, 4, 4});
  const Tensor mirror = at::tensor(mirrors, at::kFloat).view({count, 1, 4});
  const Tensor matrices = seen.world_to_camera.view({count, per_clip, 4, 4});
  const Tensor turned = (matrices.unsqueeze(-1) * turn).sum(3);
  return {(turned * mirror.unsqueeze(-1) * mirror.unsqueeze(-2)).flatten(0, 1), seen.intrinsics, seen.width, seen.height};
}

}  // namespace gsv3d
