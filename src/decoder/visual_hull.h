// What the silhouettes of the views say about the object's place: a soft visual hull (Laurentini 1994), carved on a lattice and
// seen along the rays of every view. Nothing learned; differentiable in the silhouettes. Design and measurements:
// docs/decoder.md.
#pragma once

#include <string>

#include "camera/camera.h"
#include "core/tensor.h"

namespace gsv3d {

struct VisualHullConfig {
  int64_t grid = 48, samples = 56;          ///< lattice points per side; samples along a ray
  double half_side = 0.56;                  ///< of the lattice's cube around the origin, world units
  double near = 1.35, far = 2.65;           ///< where the rays are sampled
  double sharpness = 14, threshold = 0.45;  ///< a sample's opacity is σ(sharpness (occupancy - threshold)), but 0 where that is 0
  double dissent = 0.05;                    ///< 0: one view that sees nothing carves; 1: it takes two
  std::string silhouettes = "alpha";        ///< "alpha": the pictures' fourth channel; "features": a small head of the decoder
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("grid", grid), visit("samples", samples), visit("half_side", half_side), visit("near", near), visit("far", far);
    visit("sharpness", sharpness), visit("threshold", threshold), visit("dissent", dissent), visit("silhouettes", silhouettes);
  }
};

/// Throws Error naming a number that makes no hull.
void check_visual_hull(const VisualHullConfig& config);

/// Silhouettes [B, N, h, w] in 0-1 and the B·N cameras they were seen by, item-major → occupancy [B, G, G, G] at the lattice's
/// points, axes z, y, x, -half_side to half_side: (1 - dissent) · smallest + dissent · second smallest of the N bilinearly
/// sampled silhouettes; the only one for N = 1. Outside its picture a view sees nothing.
Tensor hull_occupancy(const VisualHullConfig& config, const Tensor& silhouettes, const Cameras& cameras);

/// Where rays meet the hull.
struct HullSurface {
  Tensor distance;  ///< [B, N, H, W] expected distance along the ray; (near + far) / 2 where nothing is hit
  Tensor hit;       ///< [B, N, H, W] total opacity, 0-1
};

/// The hull of these silhouettes as the same cameras see it through H × W pixels each. In the silhouettes' type, without
/// autocast.
HullSurface visual_hull(const VisualHullConfig& config, const Tensor& silhouettes, const Cameras& cameras, int64_t height,
                        int64_t width);

}  // namespace gsv3d
