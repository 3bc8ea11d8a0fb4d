// Pictures of Gaussians from cameras on a circle around them.
#pragma once

#include <array>

#include "camera/camera.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct OrbitOptions {
  int64_t frames = 21;
  double elevation_degrees = 0;
  int64_t size = 512;         ///< pixels
  int64_t supersampling = 1;  ///< images are rendered this many times larger and averaged down
  std::array<float, 3> background = {1, 1, 1};
  bool antialiased = false;  ///< see RasterizeOptions
  Lens lens = {};
};

struct OrbitImages {
  Tensor rgb;       ///< [F, 3, S, S] in 0-1
  Tensor alpha;     ///< [F, 1, S, S]
  Tensor depth;     ///< [F, 1, S, S] expected camera z; meaningless where alpha is about 0
  Cameras cameras;  ///< of size S × S
};

/// Frame 0 is seen from azimuth 0. Without gradients; results are on the CPU. Throws Error on options that make no sense,
/// Cancelled on Ctrl-C.
OrbitImages render_orbit(const Gaussians& gaussians, const OrbitOptions& options);

/// The same for cameras of any kind (square or not), with the options' supersampling, background and antialiasing.
OrbitImages render_views(const Gaussians& gaussians, const Cameras& cameras, const OrbitOptions& options);

}  // namespace gsv3d
