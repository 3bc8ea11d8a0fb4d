// Which part of space a surface encloses.
#pragma once

#include "evaluation/geometry.h"

namespace gsv3d {

/// An axis-aligned cube.
struct VoxelCube {
  std::array<double, 3> low = {-1, -1, -1};
  double side = 2;
};

struct Occupancy {
  Tensor inside;         ///< [N, N, N] bool, x first: the voxels whose centre low + (k + 0.5) / N · side is inside
  double undecided = 0;  ///< share of the voxels called inside along some axis at which the axes disagree; 0 for closed surfaces
};

/// A centre is inside when along at least two of the three axes an odd number of crossings lies below it. Exact for closed
/// surfaces (but for centres within 1e-6 of a voxel to a triangle's edge); small holes are outvoted.
Occupancy occupancy(const TriangleSurface& surface, const VoxelCube& cube, int64_t resolution);

/// Intersection over union of what two surfaces enclose, on a cubic grid of `resolution` along the longest side of both together.
/// Not a number when one of them encloses nothing or is too open to say (more than 5 % undecided), as object files often are.
double volume_iou(const TriangleSurface& surface, const TriangleSurface& truth, int64_t resolution);

}  // namespace gsv3d
