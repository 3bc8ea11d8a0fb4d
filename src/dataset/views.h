// What training and evaluation read: the rendered views of one object from known cameras.
#pragma once

#include <string>

#include "camera/camera.h"
#include "core/tensor.h"

namespace gsv3d {

/// Views 0 … orbit_views-1 are an orbit at one elevation in the design's order (azimuth 0 first, equal steps); random views
/// follow.
struct ObjectViews {
  std::string id;     ///< for example scopia/0001-bathroom3
  std::string group;  ///< near-duplicates share a group; empty: the id is its own group
  int64_t orbit_views = 0;
  double elevation_degrees = 0;  ///< of the orbit
  Tensor rgba;                   ///< [V, 4, S, S] uint8, colour not premultiplied
  Tensor depth;                  ///< [V, S, S] float32 camera z in world units; 0 where nothing was hit
  Cameras cameras;
};

}  // namespace gsv3d
