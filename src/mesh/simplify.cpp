#include "mesh/simplify.h"

#include <queue>

#include "core/cancel.h"
#include "core/error.h"
#include "mesh/crossings.h"
#include "mesh/quadric.h"
#include "mesh/triangle_grid.h"

namespace gsv3d {
namespace {

/// 1 for an equilateral triangle, 0 for a flat one.
float shape_of(Vector3 a, Vector3 b, Vector3 c) {
  const Vector3 u = b - a, v = c - a, w = c - b;
  const float sides = dot(u, u) + dot(v, v) + dot(w, w);
  return sides > 0 ? 3.4641016F * length(cross(u, v)) / sides : 0;
}

/// 16 bytes: the queue of them is what takes the time.
struct Collapse {
  float cost;
  uint32_t kept, dropped;
  uint32_t versions;  ///< the sum of both vertices' when the cost was computed: versions only grow

  bool operator<(const Collapse& other) const {  // the cheapest is on top of a heap
    return std::tie(other.cost, other.kept, other.dropped) < std::tie(cost, kept, dropped);
  }
};

class Simplifier {
 public:
  explicit Simplifier(Mesh& mesh)
      : mesh_(mesh),
        triangles_(mesh.triangles),
        around_(mesh.positions.size()),
        quadrics_(mesh.positions.size()),
        versions_(mesh.positions.size(), 0),
        alive_(mesh.triangles.size(), true),
        count_(static_cast<int64_t>(mesh.triangles.size())),
        area_(surface_area(mesh)) {}

  void run(int64_t budget) {
    for (uint32_t t = 0; t < triangles_.size(); ++t) {
      const auto& [a, b, c] = triangles_[t];
      const Vector3 area = cross(position(b) - position(a), position(c) - position(a)) * 0.5F;
      for (const uint32_t vertex : triangles_[t]) {
        around_[vertex].push_back(t);
        quadrics_[vertex].add_plane(normalized(area), position(a), length(area));
      }
      boxes_.push_back(triangle_box(mesh_.positions, triangles_[t]));
    }
    fill_grid();
    // A collapse that was not allowed may be so later, when its surroundings have changed.
    for (int64_t before = count_ + 1; count_ > budget && count_ < before;) {
      before = count_;
      for (uint32_t vertex = 0; vertex < around_.size(); ++vertex) offer(vertex, true);
      drain(budget);
    }
    size_t kept = 0;
    for (size_t t = 0; t < triangles_.size(); ++t)
      if (alive_[t]) triangles_[kept++] = triangles_[t];
    triangles_.resize(kept);
    drop_unused_vertices(mesh_);
  }

 private:
  /// Cells a little larger than the triangles are now.
  void fill_grid() {
    grid_.emplace(bounding_box(mesh_), 2 * static_cast<float>(std::sqrt(area_ / static_cast<double>(count_))));
    for (uint32_t t = 0; t < triangles_.size(); ++t)
      if (alive_[t]) grid_->insert(t, boxes_[t]);
    count_of_grid_ = count_;
  }

  Vector3 position(uint32_t vertex) const { return mesh_.positions[vertex]; }

  std::vector<uint32_t> neighbors(uint32_t vertex) const {
    std::vector<uint32_t> result;
    for (const uint32_t t : around_[vertex])
      for (const uint32_t other : triangles_[t])
        if (other != vertex) result.push_back(other);
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
  }

  void offer(uint32_t vertex, bool larger_only) {
    for (const uint32_t other : neighbors(vertex))
      if (!larger_only || other > vertex)
        queue_.push({static_cast<float>(target(vertex, other).cost), vertex, other, versions_[vertex] + versions_[other]});
  }

  struct Target {
    Vector3 place;
    double cost;
  };
  /// Where the vertex goes that replaces the two. On flat ground any place will do: a small pull to the middle and a small price
  /// for length keep triangles round there.
  Target target(uint32_t kept, uint32_t dropped) const {
    constexpr double kPull = 1e-3, kPriceOfLength = 1e-4;
    const Vector3 middle = (position(kept) + position(dropped)) * 0.5F;
    Quadric sum = quadrics_[kept];
    sum += quadrics_[dropped];
    sum.add_point(middle, kPull * std::max(sum.trace(), 1e-30));
    const double size = length(position(kept) - position(dropped));
    Vector3 place = sum.minimum().value_or(middle);
    if (length(place - middle) > 2 * size) place = middle;
    return {place, sum.at(place) + kPriceOfLength * size * size * size * size};
  }

  void drain(int64_t budget) {
    for (int64_t steps = 0; count_ > budget && !queue_.empty(); ++steps) {
      if (steps % 1024 == 0) throw_if_cancelled();
      const Collapse next = queue_.top();
      queue_.pop();
      if (versions_[next.kept] + versions_[next.dropped] != next.versions || around_[next.dropped].empty()) continue;
      if (try_collapse(next)) offer(next.kept, false);
      if (3 * count_ < count_of_grid_) fill_grid();
    }
    queue_ = {};
  }

  /// The two triangles at an edge go, and nothing else touches both of its ends.
  bool keeps_topology(const Collapse& step) const {
    constexpr size_t kMostNeighbors = 24;
    const std::vector<uint32_t> of_kept = neighbors(step.kept), of_dropped = neighbors(step.dropped);
    std::vector<uint32_t> common;
    std::set_intersection(of_kept.begin(), of_kept.end(), of_dropped.begin(), of_dropped.end(), std::back_inserter(common));
    if (common.size() != 2) return false;
    for (const uint32_t apex : common)
      if (around_[apex].size() <= 3) return false;
    const size_t left = of_kept.size() + of_dropped.size() - 4;
    return left >= 3 && left <= kMostNeighbors;
  }

  bool try_collapse(const Collapse& step) {
    if (!keeps_topology(step)) return false;
    std::vector<uint32_t> moved, gone;
    for (const uint32_t t : around_[step.kept]) (has(t, step.dropped) ? gone : moved).push_back(t);
    for (const uint32_t t : around_[step.dropped])
      if (!has(t, step.kept)) moved.push_back(t);
    const Vector3 place = target(step.kept, step.dropped).place;
    for (const uint32_t t : moved)
      if (!keeps_shape(triangles_[t], step, place)) return false;
    // Tried in place, and taken back when it does not fit.
    const Vector3 old_place = position(step.kept);
    std::vector<Mesh::Triangle> before;
    for (const uint32_t t : moved) {
      before.push_back(triangles_[t]);
      for (uint32_t& vertex : triangles_[t])
        if (vertex == step.dropped) vertex = step.kept;
    }
    mesh_.positions[step.kept] = place;
    for (const uint32_t t : gone) alive_[t] = false;
    if (crosses(moved)) {
      for (size_t i = 0; i < moved.size(); ++i) triangles_[moved[i]] = before[i];
      for (const uint32_t t : gone) alive_[t] = true;
      mesh_.positions[step.kept] = old_place;
      return false;
    }
    commit(step, moved, gone);
    return true;
  }

  bool has(uint32_t triangle, uint32_t vertex) const {
    const auto& [a, b, c] = triangles_[triangle];
    return a == vertex || b == vertex || c == vertex;
  }

  /// The triangle neither turns by much nor becomes a sliver.
  bool keeps_shape(const Mesh::Triangle& triangle, const Collapse& step, Vector3 place) const {
    constexpr float kLeastShape = 0.1F, kLeastCosine = 0.3F;
    std::array<Vector3, 3> old, moved;
    for (int i = 0; i < 3; ++i) {
      old[i] = position(triangle[i]);
      moved[i] = triangle[i] == step.kept || triangle[i] == step.dropped ? place : old[i];
    }
    const Vector3 was = normalized(cross(old[1] - old[0], old[2] - old[0]), {});
    const Vector3 is = normalized(cross(moved[1] - moved[0], moved[2] - moved[0]), {});
    const float shape = shape_of(moved[0], moved[1], moved[2]);
    return dot(was, is) > kLeastCosine && (shape > kLeastShape || shape > shape_of(old[0], old[1], old[2]));
  }

  /// Whether moved triangles cross each other, or others. In the grid they still stand where they were.
  bool crosses(const std::vector<uint32_t>& moved) const {
    const auto cross = [&](uint32_t a, uint32_t b) { return triangles_cross(mesh_.positions, triangles_[a], triangles_[b]); };
    std::vector<Box> boxes;
    Box all;
    for (const uint32_t t : moved) {
      boxes.push_back(triangle_box(mesh_.positions, triangles_[t]));
      all.add(boxes.back().low), all.add(boxes.back().high);
    }
    for (size_t i = 0; i < moved.size(); ++i)
      for (size_t j = i + 1; j < moved.size(); ++j)
        if (cross(moved[i], moved[j])) return true;
    return grid_->any_near(all, [&](uint32_t other) {
      if (!boxes_meet(all, boxes_[other]) || !alive_[other] || std::find(moved.begin(), moved.end(), other) != moved.end())
        return false;
      for (size_t i = 0; i < moved.size(); ++i)
        if (boxes_meet(boxes[i], boxes_[other]) && cross(moved[i], other)) return true;
      return false;
    });
  }

  void commit(const Collapse& step, const std::vector<uint32_t>& moved, const std::vector<uint32_t>& gone) {
    for (const uint32_t t : moved) {
      grid_->remove(t, boxes_[t]);
      grid_->insert(t, boxes_[t] = triangle_box(mesh_.positions, triangles_[t]));
    }
    for (const uint32_t t : gone) {
      grid_->remove(t, boxes_[t]);
      for (const uint32_t vertex : triangles_[t]) std::erase(around_[vertex], t);
    }
    around_[step.kept] = moved;
    around_[step.dropped].clear();
    quadrics_[step.kept] += quadrics_[step.dropped];
    ++versions_[step.kept], ++versions_[step.dropped];
    count_ -= static_cast<int64_t>(gone.size());
  }

  Mesh& mesh_;
  std::vector<Mesh::Triangle>& triangles_;
  std::vector<std::vector<uint32_t>> around_;  ///< the triangles at each vertex
  std::vector<Quadric> quadrics_;
  std::vector<uint32_t> versions_;
  std::vector<bool> alive_;
  int64_t count_, count_of_grid_ = 0;
  double area_;
  std::vector<Box> boxes_;  ///< of the triangles
  std::optional<TriangleGrid> grid_;
  std::priority_queue<Collapse> queue_;
};

}  // namespace

void simplify(Mesh& mesh, int64_t max_triangles) {
  require(max_triangles >= 4, "mesh: a budget of {} triangles cannot hold a solid; the least is 4", max_triangles);
  if (static_cast<int64_t>(mesh.triangles.size()) <= max_triangles) return;
  require(topology(mesh).closed(), "simplify: the surface is not closed");
  Simplifier(mesh).run(max_triangles);
}

}  // namespace gsv3d
