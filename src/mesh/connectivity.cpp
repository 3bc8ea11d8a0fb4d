#include "mesh/connectivity.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace gsv3d {

std::vector<Edge> sorted_edges(const Mesh& mesh) {
  std::vector<Edge> edges;
  edges.reserve(3 * mesh.triangles.size());
  for (uint32_t t = 0; t < mesh.triangles.size(); ++t) {
    for (int i = 0; i < 3; ++i) {
      const uint32_t a = mesh.triangles[t][i], b = mesh.triangles[t][(i + 1) % 3];
      edges.push_back({std::min(a, b), std::max(a, b), t, a > b});
    }
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return std::tie(a.low, a.high, a.triangle, a.reversed) < std::tie(b.low, b.high, b.triangle, b.reversed);
  });
  return edges;
}

std::vector<uint32_t> component_labels(const Mesh& mesh) {
  std::vector<uint32_t> parent(mesh.positions.size());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root = [&](uint32_t vertex) {
    while (parent[vertex] != vertex) vertex = parent[vertex] = parent[parent[vertex]];
    return vertex;
  };
  for (const Mesh::Triangle& triangle : mesh.triangles) {
    for (int i = 1; i < 3; ++i) {
      const uint32_t a = root(triangle[0]), b = root(triangle[i]);
      parent[std::max(a, b)] = std::min(a, b);
    }
  }
  for (uint32_t i = 0; i < parent.size(); ++i) parent[i] = root(i);
  return parent;
}

}  // namespace gsv3d
