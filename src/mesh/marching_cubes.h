// The surface where a sampled field is zero (Lorensen and Cline 1987), with tables derived so that the result is always closed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mesh/mesh.h"
#include "mesh/scalar_grid.h"

namespace gsv3d {

/// Triangles of one cell for each of its 256 patterns of corners that are inside. Corner i lies at (i & 1, i >> 1 & 1, i >> 2 &
/// 1); triangle corners are cell edges, numbered as in `edges`.
///
/// On a face whose corners alternate the inside corners are cut off one by one. The rule looks at the face alone, so that the two
/// cells which share it always agree and no crack opens; and no polygon is cut along a line that lies in a face, where the
/// neighbouring cell could have the same line, so that every edge of the surface has exactly two triangles.
struct MarchingCubesTables {
  MarchingCubesTables();
  std::array<std::array<uint8_t, 2>, 12> edges;  ///< the two corners of each edge, the smaller first
  std::array<std::vector<std::array<uint8_t, 3>>, 256> triangles;
};

/// The surface between samples < 0 (inside) and ≥ 0, triangles counter-clockwise seen from outside; vertices are shared. Closed
/// when all samples on the border are outside. Throws Error when there would be more than 2^26 triangles.
Mesh marching_cubes(const ScalarGrid& grid);

}  // namespace gsv3d
