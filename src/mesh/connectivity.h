// Edges and components of a mesh: what topology checks and cleaning share.
#pragma once

#include <cstdint>
#include <vector>

#include "mesh/mesh.h"

namespace gsv3d {

/// One side of a triangle.
struct Edge {
  uint32_t low, high;  ///< its vertices, the smaller index first
  uint32_t triangle;
  bool reversed;  ///< the triangle runs from high to low

  bool same_line(const Edge& other) const { return low == other.low && high == other.high; }
};

/// All triangles' sides; those between the same two vertices stand together.
std::vector<Edge> sorted_edges(const Mesh& mesh);

/// For each vertex the smallest index of a vertex that it is connected to through triangles.
std::vector<uint32_t> component_labels(const Mesh& mesh);

}  // namespace gsv3d
