#include "mesh/clean.h"

#include <algorithm>

#include "mesh/connectivity.h"
#include "mesh/crossings.h"

namespace gsv3d {
namespace {

double triangle_area(const Mesh& mesh, const Mesh::Triangle& triangle) {
  const Vector3 p = mesh.positions[triangle[0]];
  return 0.5 * length(cross(mesh.positions[triangle[1]] - p, mesh.positions[triangle[2]] - p));
}

void keep_triangles(Mesh& mesh, const std::vector<bool>& keep) {
  size_t count = 0;
  for (size_t i = 0; i < keep.size(); ++i)
    if (keep[i]) mesh.triangles[count++] = mesh.triangles[i];
  mesh.triangles.resize(count);
}

/// One step of Laplace's smoothing by `factor`: each vertex moves toward the mean of its neighbours, or away from it.
void smoothing_step(Mesh& mesh, const std::vector<float>& weights, float factor) {
  std::vector<Vector3> sums(mesh.positions.size());
  for (const auto& [a, b, c] : mesh.triangles) {
    const Vector3 total = mesh.positions[a] + mesh.positions[b] + mesh.positions[c];
    for (const uint32_t vertex : {a, b, c}) sums[vertex] = sums[vertex] + (total - mesh.positions[vertex]);
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    Vector3& p = mesh.positions[i];
    if (weights[i] > 0) p = p + (sums[i] * (1 / weights[i]) - p) * factor;
  }
}

/// Puts vertices back to where they were, around the triangles that cross each other, until none do: each round reaches further.
void undo_crossings(Mesh& mesh, const std::vector<Vector3>& before) {
  std::vector<bool> undone(mesh.positions.size(), false);
  for (auto pairs = crossing_pairs(mesh); !pairs.empty(); pairs = crossing_pairs(mesh)) {
    for (const auto& [first, second] : pairs)
      for (const uint32_t t : {first, second})
        for (const uint32_t vertex : mesh.triangles[t]) undone[vertex] = true;
    const std::vector<bool> reached = undone;
    bool grown = false;
    for (const Mesh::Triangle& triangle : mesh.triangles) {
      if (!std::any_of(triangle.begin(), triangle.end(), [&](uint32_t v) { return reached[v]; })) continue;
      for (const uint32_t vertex : triangle) undone[vertex] = true;
    }
    for (size_t i = 0; i < undone.size(); ++i) {
      if (!undone[i] || mesh.positions[i] == before[i]) continue;
      mesh.positions[i] = before[i];
      grown = true;
    }
    if (!grown) return;  // they crossed before
  }
}

}  // namespace

void remove_floaters(Mesh& mesh, double min_share) {
  const std::vector<uint32_t> labels = component_labels(mesh);
  std::vector<double> areas(mesh.positions.size(), 0);
  for (const Mesh::Triangle& triangle : mesh.triangles) areas[labels[triangle[0]]] += triangle_area(mesh, triangle);
  const auto largest = std::max_element(areas.begin(), areas.end());
  std::vector<bool> keep;
  for (const Mesh::Triangle& triangle : mesh.triangles) {
    const uint32_t label = labels[triangle[0]];
    keep.push_back(label == static_cast<uint32_t>(largest - areas.begin()) || areas[label] > min_share * *largest);
  }
  keep_triangles(mesh, keep);
  drop_unused_vertices(mesh);
}

void smooth(Mesh& mesh, int64_t rounds) {
  constexpr float kShrink = 0.5F, kGrow = -0.53F;  // Taubin's λ and μ: the pass band ends at 1/λ + 1/μ = 0.11
  const std::vector<Vector3> before = mesh.positions;
  std::vector<float> weights(mesh.positions.size(), 0);
  for (const Mesh::Triangle& triangle : mesh.triangles)
    for (const uint32_t vertex : triangle) weights[vertex] += 2;
  for (int64_t round = 0; round < rounds; ++round) {
    smoothing_step(mesh, weights, kShrink);
    smoothing_step(mesh, weights, kGrow);
  }
  undo_crossings(mesh, before);
}

}  // namespace gsv3d
