#include "mesh/mesh.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "core/fingerprint.h"
#include "mesh/connectivity.h"

namespace gsv3d {
namespace {

float angle(Vector3 a, Vector3 b) {
  return std::acos(std::clamp(dot(normalized(a), normalized(b)), -1.0F, 1.0F));
}

/// Vertices at which triangles meet that no chain of triangles at this vertex connects, each over an edge at the vertex.
int64_t count_bad_vertices(const Mesh& mesh) {
  std::vector<std::vector<std::array<uint32_t, 2>>> opposite(mesh.positions.size());
  for (const Mesh::Triangle& triangle : mesh.triangles)
    for (int i = 0; i < 3; ++i) opposite[triangle[i]].push_back({triangle[(i + 1) % 3], triangle[(i + 2) % 3]});
  int64_t bad = 0;
  for (std::vector<std::array<uint32_t, 2>>& sides : opposite) {
    if (sides.empty()) continue;
    std::vector<uint32_t> reached = {sides[0][0], sides[0][1]};
    sides.erase(sides.begin());
    for (bool grown = true; grown;) {
      grown = std::erase_if(sides, [&](const std::array<uint32_t, 2>& side) {
        const bool meets = std::any_of(reached.begin(), reached.end(), [&](uint32_t v) { return v == side[0] || v == side[1]; });
        if (meets) reached.insert(reached.end(), side.begin(), side.end());
        return meets;
      });
    }
    bad += !sides.empty();
  }
  return bad;
}

}  // namespace

Box bounding_box(const Mesh& mesh) {
  Box box;
  for (const Vector3& p : mesh.positions) box.add(p);
  return box;
}

double surface_area(const Mesh& mesh) {
  double sum = 0;
  for (const auto& [a, b, c] : mesh.triangles) {
    const Vector3 p = mesh.positions[a];
    sum += 0.5 * length(cross(mesh.positions[b] - p, mesh.positions[c] - p));
  }
  return sum;
}

double signed_volume(const Mesh& mesh) {
  double sum = 0;
  for (const auto& [a, b, c] : mesh.triangles) sum += dot(mesh.positions[a], cross(mesh.positions[b], mesh.positions[c])) / 6.0;
  return sum;
}

Topology topology(const Mesh& mesh) {
  Topology result;
  const std::vector<Edge> edges = sorted_edges(mesh);
  for (size_t begin = 0, end = 0; begin < edges.size(); begin = end) {
    int64_t forward = 0, backward = 0;
    for (end = begin; end < edges.size() && edges[end].same_line(edges[begin]); ++end)
      (edges[end].reversed ? backward : forward)++;
    ++result.edges;
    if (forward + backward == 1) ++result.boundary_edges;
    if (forward + backward >= 2 && (forward != 1 || backward != 1)) ++result.bad_edges;
  }
  result.bad_vertices = count_bad_vertices(mesh);
  const std::vector<uint32_t> labels = component_labels(mesh);
  std::vector<bool> used(mesh.positions.size(), false);
  for (const Mesh::Triangle& triangle : mesh.triangles)
    for (const uint32_t vertex : triangle) used[vertex] = true;
  for (size_t i = 0; i < used.size(); ++i) result.vertices += used[i], result.components += used[i] && labels[i] == i;
  result.euler = result.vertices - result.edges + static_cast<int64_t>(mesh.triangles.size());
  return result;
}

Mesh weld(const Mesh& mesh) {
  Mesh result;
  std::unordered_map<Vector3, uint32_t, FingerprintHash> known;
  known.reserve(mesh.positions.size());
  std::vector<uint32_t> target(mesh.positions.size());
  for (size_t i = 0; i < mesh.positions.size(); ++i) {
    const Vector3 p = mesh.positions[i] + Vector3{};  // -0 becomes 0, whose bits differ
    const auto [place, is_new] = known.emplace(p, static_cast<uint32_t>(result.positions.size()));
    if (is_new) result.positions.push_back(p);
    target[i] = place->second;
  }
  for (const auto& [a, b, c] : mesh.triangles) result.triangles.push_back({target[a], target[b], target[c]});
  return result;
}

void drop_unused_vertices(Mesh& mesh) {
  constexpr uint32_t kUnused = ~0U;
  std::vector<uint32_t> target(mesh.positions.size(), kUnused);
  for (const Mesh::Triangle& triangle : mesh.triangles)
    for (const uint32_t vertex : triangle) target[vertex] = 0;
  uint32_t count = 0;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] == kUnused) continue;
    mesh.positions[count] = mesh.positions[i];
    if (!mesh.normals.empty()) mesh.normals[count] = mesh.normals[i];
    if (!mesh.uvs.empty()) mesh.uvs[count] = mesh.uvs[i];
    target[i] = count++;
  }
  mesh.positions.resize(count);
  if (!mesh.normals.empty()) mesh.normals.resize(count);
  if (!mesh.uvs.empty()) mesh.uvs.resize(count);
  for (Mesh::Triangle& triangle : mesh.triangles)
    for (uint32_t& vertex : triangle) vertex = target[vertex];
}

std::vector<Vector3> vertex_normals(const Mesh& mesh) {
  std::vector<Vector3> sums(mesh.positions.size());
  for (const Mesh::Triangle& triangle : mesh.triangles) {
    const std::array<Vector3, 3> p = {mesh.positions[triangle[0]], mesh.positions[triangle[1]], mesh.positions[triangle[2]]};
    const Vector3 normal = normalized(cross(p[1] - p[0], p[2] - p[0]), {});
    for (int i = 0; i < 3; ++i) {
      Vector3& sum = sums[triangle[i]];
      sum = sum + normal * angle(p[(i + 1) % 3] - p[i], p[(i + 2) % 3] - p[i]);
    }
  }
  for (Vector3& normal : sums) normal = normalized(normal);
  return sums;
}

}  // namespace gsv3d
