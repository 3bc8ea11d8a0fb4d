// Bringing a prediction into the truth's frame before it is scored: other programs have other fronts, scales and centres. What
// was done is part of every report, because it decides numbers.
#pragma once

#include <string>

#include "core/tensor.h"
#include "gaussians/similarity.h"

namespace gsv3d {

/// Each does what those before it do, too.
enum class Alignment {
  none,   ///< the prediction as it is
  up,     ///< turned about the vertical through the origin
  scale,  ///< and scaled and moved so that its box has the truth's longest side and centre
  icp     ///< and turned, scaled and moved freely to the nearest points: iterated (Besl and McKay 1992), by Umeyama's closed form
          ///< (1991)
};
/// "none", "up", "scale", "icp"; throws UsageError for another name.
Alignment alignment_from_name(const std::string& name);

/// The similarity that brings points [N, 3] of a prediction's surface onto points [M, 3] of the true one, some thousand each. The
/// turn about the vertical is the best of a full circle by the mean distance both ways, to 0.1 degrees. Throws Error when there
/// are no points or they have no extent.
Similarity alignment_to(const Tensor& points, const Tensor& truth, Alignment alignment);

/// points [N, 3] → [N, 3], float32.
Tensor moved_points(const Tensor& points, const Similarity& similarity);

}  // namespace gsv3d
