// Gaussians seen from all around: the pictures that surface and texture are made of.
#pragma once

#include "camera/camera.h"
#include "gaussians/gaussians.h"
#include "mesh/vector3.h"

namespace gsv3d {

struct SurfaceViews {
  Tensor color;  ///< [C, H, W, 4] float32: RGB 0-1 multiplied by alpha, and alpha
  Tensor depth;  ///< [C, H, W] float32 camera z of the surface; 0 where there is none
  Cameras cameras;
};

/// Below this alpha a pixel sees past the object. Low, because the outlines of soft Gaussians fade out inside the true outline
/// (tuned on the validation objects: docs/mesh.md).
inline constexpr double kSolidAlpha = 0.2;

/// The box around the Gaussians that can be seen, but for the outermost 0.1 % on each side, so that a few strays do not shrink
/// the object. Throws Error when there are none, or all are nearly transparent.
Box visible_box(const Gaussians& gaussians);

/// `count` cameras spread evenly over the sphere around the box (a Fibonacci lattice between the elevations), all of it in the
/// picture, with pixels as large at the box's centre as `pixel` in world units.
struct SurroundPlan {
  int64_t count = 40;
  double pixel = 0;
  double min_elevation_degrees = -30, max_elevation_degrees = 75;
  int64_t max_size = 1024;  ///< pixels a side, whatever `pixel` says
};
Cameras surround_cameras(const Box& box, const SurroundPlan& plan);

/// Renders on the CPU, a few views at a time. Throws Cancelled on Ctrl-C.
SurfaceViews render_surface(const Gaussians& gaussians, const Cameras& cameras);

}  // namespace gsv3d
