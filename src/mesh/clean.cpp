#include "mesh/clean.h"

#include <algorithm>
#include <unordered_map>

#include "mesh/connectivity.h"

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

/// Drops triangles with a repeated corner, and where an edge has two triangles on one side, all but the first.
void drop_folds(Mesh& mesh) {
  std::vector<bool> keep(mesh.triangles.size(), true);
  for (size_t i = 0; i < keep.size(); ++i) {
    const auto& [a, b, c] = mesh.triangles[i];
    if (a == b || b == c || c == a) keep[i] = false;
  }
  const std::vector<Edge> edges = sorted_edges(mesh);
  for (size_t begin = 0, end = 0; begin < edges.size(); begin = end) {
    bool taken[2] = {false, false};
    for (end = begin; end < edges.size() && edges[end].same_line(edges[begin]); ++end) {
      if (!keep[edges[end].triangle]) continue;
      if (std::exchange(taken[edges[end].reversed], true)) keep[edges[end].triangle] = false;
    }
  }
  keep_triangles(mesh, keep);
}

/// The borders of holes as loops of vertices that each occur once in a loop, in the direction that the filling triangles need.
std::vector<std::vector<uint32_t>> hole_loops(const Mesh& mesh) {
  std::unordered_multimap<uint32_t, uint32_t> next;
  std::vector<uint32_t> starts;
  const std::vector<Edge> edges = sorted_edges(mesh);
  for (size_t begin = 0, end = 0; begin < edges.size(); begin = end) {
    for (end = begin; end < edges.size() && edges[end].same_line(edges[begin]);) ++end;
    if (end - begin != 1) continue;
    const Edge& edge = edges[begin];
    const uint32_t from = edge.reversed ? edge.low : edge.high, to = edge.reversed ? edge.high : edge.low;
    next.emplace(from, to), starts.push_back(from);
  }
  std::vector<std::vector<uint32_t>> loops;
  for (const uint32_t start : starts) {
    std::vector<uint32_t> path = {start};
    for (auto step = next.find(start); step != next.end(); step = next.find(path.back())) {
      const uint32_t vertex = step->second;
      next.erase(step);
      // Where the border touches itself, what lies between the two visits is a loop of its own.
      const auto seen = std::find(path.begin(), path.end(), vertex);
      if (seen == path.end()) {
        path.push_back(vertex);
        continue;
      }
      loops.emplace_back(seen, path.end());
      path.erase(seen + 1, path.end());
    }
  }
  return loops;
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

int64_t close_holes(Mesh& mesh) {
  drop_folds(mesh);
  const size_t before = mesh.triangles.size();
  for (const std::vector<uint32_t>& loop : hole_loops(mesh)) {
    if (loop.size() == 3) {
      mesh.triangles.push_back({loop[0], loop[1], loop[2]});
      continue;
    }
    Vector3 center;
    for (const uint32_t vertex : loop) center = center + mesh.positions[vertex] * (1.0F / static_cast<float>(loop.size()));
    const auto middle = static_cast<uint32_t>(mesh.positions.size());
    mesh.positions.push_back(center);
    for (size_t i = 0; i < loop.size(); ++i) mesh.triangles.push_back({loop[i], loop[(i + 1) % loop.size()], middle});
  }
  drop_unused_vertices(mesh);
  return static_cast<int64_t>(mesh.triangles.size() - before);
}

void smooth(Mesh& mesh, int64_t rounds) {
  constexpr float kShrink = 0.5F, kGrow = -0.53F;  // Taubin's λ and μ: the pass band ends at 1/λ + 1/μ = 0.11
  std::vector<Vector3> sums(mesh.positions.size());
  std::vector<float> counts(mesh.positions.size(), 0);
  for (const Mesh::Triangle& triangle : mesh.triangles)
    for (const uint32_t vertex : triangle) counts[vertex] += 2;
  for (int64_t step = 0; step < 2 * rounds; ++step) {
    std::fill(sums.begin(), sums.end(), Vector3{});
    for (const auto& [a, b, c] : mesh.triangles) {
      const Vector3 total = mesh.positions[a] + mesh.positions[b] + mesh.positions[c];
      for (const uint32_t vertex : {a, b, c}) sums[vertex] = sums[vertex] + (total - mesh.positions[vertex]);
    }
    const float factor = step % 2 ? kGrow : kShrink;
    for (size_t i = 0; i < sums.size(); ++i) {
      if (counts[i] == 0) continue;
      Vector3& p = mesh.positions[i];
      p = p + (sums[i] * (1 / counts[i]) - p) * factor;
    }
  }
}

}  // namespace gsv3d
