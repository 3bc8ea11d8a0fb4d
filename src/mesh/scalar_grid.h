// Samples of a scalar field on a regular grid of points: signed distances, negative inside.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mesh/vector3.h"

namespace gsv3d {

struct ScalarGrid {
  std::array<int64_t, 3> size = {0, 0, 0};  ///< samples along x, y, z
  Vector3 origin;                           ///< world position of sample (0, 0, 0)
  float spacing = 1;                        ///< world units between samples
  std::vector<float> values;                ///< size x·y·z, z running fastest

  size_t index(int64_t x, int64_t y, int64_t z) const { return (x * size[1] + y) * size[2] + z; }
  float& at(int64_t x, int64_t y, int64_t z) { return values[index(x, y, z)]; }
  float at(int64_t x, int64_t y, int64_t z) const { return values[index(x, y, z)]; }
};

/// The largest number of samples along one side: 512, which takes 512 MiB.
inline constexpr int64_t kMaxGridSide = 512;

/// A grid of `resolution` samples along the box's longest side and as many as needed along the others, all values 0. Throws Error
/// unless the box has an extent and 4 ≤ resolution ≤ kMaxGridSide.
ScalarGrid make_grid(const Box& box, int64_t resolution);

/// Closes the field for surface extraction: samples on the border become outside (1); pockets of
/// outside that are not connected to the border become inside (-1), since nobody can see their walls.
void close_grid(ScalarGrid& grid);

}  // namespace gsv3d
