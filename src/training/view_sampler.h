// How a training clip is cut from an orbit: which view plays the photo, in which direction the others follow, and where the
// cameras stand in the photo's frame of reference.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "training/training_set.h"

namespace gsv3d {

struct ClipSampling {
  int64_t frames = 7;               ///< N views per clip; divides the number of orbit views
  double front_probability = 0.3;   ///< chance that the photo is the orbit's view 0 (people photograph things from the front)
  double mirror_probability = 0.5;  ///< chance that the world is mirrored left to right
};

/// One clip: view j (design order, 0 = the photo) is the orbit's view (start + j·stride) mod V, or, mirrored, the flipped view
/// (start - j·stride) mod V, with stride = V / N.
struct Clip {
  int64_t orbit = 0;
  int64_t start = 0;
  bool mirrored = false;
};

/// Throws Error unless `frames` divides `orbit_views`.
void check_clip_sampling(const ClipSampling& sampling, int64_t orbit_views);

/// `count` random clips.
std::vector<Clip> draw_clips(const TrainingSet& set, const ClipSampling& sampling, int64_t count, const at::Generator& generator);

/// The orbit's views that make up a clip, design order.
std::vector<int64_t> clip_views(const Clip& clip, int64_t orbit_views, int64_t frames);

/// Cameras of any views of the clip's orbit, in the world turned so that the photo stands at azimuth 0, mirrored in x where the
/// clip is.
Cameras clip_cameras(const ObjectViews& views, const Clip& clip, const std::vector<int64_t>& indices);

}  // namespace gsv3d
