// Which of many points in space is the nearest to each of many others: a k-d tree.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// Where each of points [N, 3] has the nearest of targets [M, 3]: its distance [N] float64, not squared, and its row [N] int64.
struct Neighbours {
  Tensor distances, indices;
};
/// float32 on the CPU. By a k-d tree, on all threads. Throws Error when there are no points or targets, or a coordinate is not
/// finite.
Neighbours nearest_neighbours(const Tensor& points, const Tensor& targets);

}  // namespace gsv3d
