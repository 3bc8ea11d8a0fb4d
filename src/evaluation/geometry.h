// How close two surfaces are, measured between points on them. No alignment, no rescaling: both are in one world.
#pragma once

#include <array>
#include <vector>

#include "core/nearest_points.h"

namespace gsv3d {

/// Triangles of a surface; both undefined: not known.
struct TriangleSurface {
  Tensor vertices;   ///< [V, 3] float32
  Tensor triangles;  ///< [T, 3] int64
  bool defined() const { return vertices.defined(); }
};

/// Distance from each of points [N, 3] to the nearest of targets [M, 3] (float32 on the CPU) → [N] float64, not squared;
/// core/nearest_points.h says how.
Tensor nearest_distances(const Tensor& points, const Tensor& targets);

/// Chamfer distances have as many definitions as papers; these three are named after what is summed.
struct SurfaceDistance {
  double accuracy = 0;      ///< mean distance from the surface to the truth
  double completeness = 0;  ///< mean distance from the truth to the surface
  double squared_sum = 0;   ///< mean squared distances, both directions added (chamfer L2)

  double chamfer_sum() const { return accuracy + completeness; }
  double chamfer_mean() const { return 0.5 * chamfer_sum(); }  ///< what our tables call Chamfer distance
};

/// Shares of points closer than `tau` (Knapitsch et al. 2017).
struct FScore {
  double precision = 0;  ///< of the surface's points
  double recall = 0;     ///< of the truth's points
  double f = 0;          ///< their harmonic mean, 0 when both are 0
};

struct SurfaceScores {
  SurfaceDistance distance;
  std::vector<FScore> f_scores;  ///< as many as taus
};

/// points [N, 3] on a surface against points [M, 3] on the true one. taus: distances, world units.
SurfaceScores score_surface(const Tensor& points, const Tensor& truth, const std::vector<double>& taus);

/// Points on a surface and the unit normals of their triangles, both [N, 3] float32.
struct SurfacePoints {
  Tensor points, normals;
};

/// `count` points uniform over the area. Throws Error when there is no area.
SurfacePoints sample_surface(const TriangleSurface& surface, int64_t count, const at::Generator& generator);

/// `count` points uniform over the area of triangles (vertices [V, 3] float32, triangles [T, 3] int64) → [count, 3]. Throws Error
/// when there is no area.
Tensor sample_triangles(const Tensor& vertices, const Tensor& triangles, int64_t count, const at::Generator& generator);

/// Mean |cosine| between the normals at each point and at its nearest on the other surface, both directions averaged (Mescheder
/// et al. 2019); without sign, because winding means nothing in object files.
double normal_consistency(const SurfacePoints& surface, const SurfacePoints& truth);

/// The distances of the F-scores that our tables show, world units (objects have a longest side of about 1).
inline constexpr std::array<double, 3> f_score_taus = {0.01, 0.02, 0.05};

/// A predicted surface against the true one.
struct GeometryScores {
  double chamfer = 0;                                  ///< SurfaceDistance::chamfer_mean, world units
  double f_score_1 = 0, f_score_2 = 0, f_score_5 = 0;  ///< at f_score_taus
  double normal_consistency = 0;
  double volume_iou = 0;  ///< volume_iou() in volume.h on a grid of 64 along the longest side
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("chamfer", chamfer), visit("f_score_1", f_score_1), visit("f_score_2", f_score_2), visit("f_score_5", f_score_5);
    visit("normal_consistency", normal_consistency), visit("volume_iou", volume_iou);
  }
};

inline constexpr int64_t default_surface_points = 100'000;

/// From so many points on each, drawn alike: equal surfaces get the ideal scores. Fewer points lie further apart, so that
/// distances between other surfaces grow and F-scores fall: numbers of different counts cannot be compared. Throws Error for
/// surfaces without area.
GeometryScores score_geometry(const TriangleSurface& surface, const TriangleSurface& truth,
                              int64_t points = default_surface_points);

/// The same without the volume, which does not depend on points and is not a number here.
GeometryScores score_points(const TriangleSurface& surface, const TriangleSurface& truth, int64_t points);

}  // namespace gsv3d
