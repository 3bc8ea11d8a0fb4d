// Triangles that pass through each other: a surface with such is no solid for printers' programs and for CSG.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "mesh/mesh.h"

namespace gsv3d {

/// True when two triangles meet elsewhere than in the vertices that they share: they cut, touch or overlap each other; or they
/// share an edge and lie folded on each other (an angle below one degree). What float64 cannot tell counts as meeting.
bool triangles_cross(const std::vector<Vector3>& positions, const Mesh::Triangle& first, const Mesh::Triangle& second);

/// All pairs of triangles that cross, the smaller index first, in order.
std::vector<std::pair<uint32_t, uint32_t>> crossing_pairs(const Mesh& mesh);

}  // namespace gsv3d
