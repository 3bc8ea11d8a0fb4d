// How close two surfaces are, measured between points on them. No alignment, no rescaling: both are in one world.
#pragma once

#include <array>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

/// Distance from each of points [N, 3] to the nearest of targets [M, 3] (float32 on the CPU) → [N] float64, not squared. By a k-d
/// tree, on all threads. Throws Error when there are no targets or a coordinate is not finite.
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

/// points [N, 3] on a surface against points [M, 3] on the true one.
SurfaceScores score_surface(const Tensor& points, const Tensor& truth, const std::vector<double>& taus);

/// `count` points uniform over the area of triangles (vertices [V, 3] float32, triangles [T, 3] int64) → [count, 3]. Throws Error
/// when there is no area.
Tensor sample_triangles(const Tensor& vertices, const Tensor& triangles, int64_t count, const at::Generator& generator);

}  // namespace gsv3d
