// How a training clip is cut from an orbit: which view plays the photo, in which direction the others follow, and where the
// cameras stand in the photo's frame of reference.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/config.h"
#include "training/process_group.h"
#include "training/training_set.h"

namespace gsv3d {

struct ClipSampling {
  int64_t frames = 7;               ///< N views per clip; divides the number of orbit views
  double front_probability = 0.3;   ///< chance that the photo is the orbit's view 0 (people photograph things from the front)
  double mirror_probability = 0.5;  ///< chance that the world is mirrored left to right
  double recolor_probability = 0;   ///< chance of another colour: a permutation of the channels and a gain in [min_gain, 1] each
  double min_gain = 0.15;
};

/// One clip: view j (design order, 0 = the photo) is the orbit's view (start + j·stride) mod V, or, mirrored, the flipped view
/// (start - j·stride) mod V, with stride = V / N. Everything that is seen of it has channel c = gains[c] times the true channel
/// channels[c], before it is laid over white.
struct Clip {
  int64_t orbit = 0;
  int64_t start = 0;
  bool mirrored = false;
  std::array<int64_t, 3> channels = {0, 1, 2};
  std::array<double, 3> gains = {1, 1, 1};
};

/// Throws Error unless `frames` divides `orbit_views`.
void check_clip_sampling(const ClipSampling& sampling, int64_t orbit_views);

/// `count` random clips.
std::vector<Clip> draw_clips(const TrainingSet& set, const ClipSampling& sampling, int64_t count, const at::Generator& generator);

/// A share of the clips of a step (seeds.h).
std::vector<Clip> draw_clips_of_step(const TrainingSet& set, const ClipSampling& sampling, const BatchShare& share, int64_t step,
                                     uint64_t seed);

/// Lets a set that stays in its shards read these clips' orbits ahead.
void prefetch_clips_of_step(const TrainingSet& set, const ClipSampling& sampling, const BatchShare& share, int64_t step,
                            uint64_t seed);

/// The orbit's views that make up a clip, design order.
std::vector<int64_t> clip_views(const Clip& clip, int64_t orbit_views, int64_t frames);

/// Cameras of `per_clip` views of each clip, clip-major: views are indices into the set. Each clip's stand in the world turned so
/// that its photo is at azimuth 0, mirrored in x where the clip is. On the CPU.
Cameras clip_cameras(const TrainingSet& set, const std::vector<Clip>& clips, const std::vector<int64_t>& views, int64_t per_clip);

}  // namespace gsv3d
