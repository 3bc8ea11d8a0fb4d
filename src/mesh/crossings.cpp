#include "mesh/crossings.h"

#include <ATen/Parallel.h>

#include <mutex>

#include "mesh/triangle_grid.h"

namespace gsv3d {
namespace {

struct Point {
  double x, y, z;
};

Point operator-(const Point& a, const Point& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}

/// On which side of the plane through a, b, c the point d lies: -1, 0, 1. 0 also where rounding could have decided (the bound is
/// Shewchuk's, 1997).
int side(const Point& a, const Point& b, const Point& c, const Point& d) {
  const Point u = a - d, v = b - d, w = c - d;
  const double vxwy = v.x * w.y, wxvy = w.x * v.y, wxuy = w.x * u.y, uxwy = u.x * w.y, uxvy = u.x * v.y, vxuy = v.x * u.y;
  const double value = u.z * (vxwy - wxvy) + v.z * (wxuy - uxwy) + w.z * (uxvy - vxuy);
  const double size = std::abs(u.z) * (std::abs(vxwy) + std::abs(wxvy)) + std::abs(v.z) * (std::abs(wxuy) + std::abs(uxwy)) +
                      std::abs(w.z) * (std::abs(uxvy) + std::abs(vxuy));
  if (std::abs(value) <= 8e-16 * size) return 0;
  return value > 0 ? 1 : -1;
}

using Flat = std::array<double, 2>;

int turn(const Flat& a, const Flat& b, const Flat& c) {
  const double left = (a[0] - c[0]) * (b[1] - c[1]), right = (a[1] - c[1]) * (b[0] - c[0]);
  if (std::abs(left - right) <= 4e-16 * (std::abs(left) + std::abs(right))) return 0;
  return left > right ? 1 : -1;
}

bool segments_meet(const Flat& p, const Flat& q, const Flat& a, const Flat& b) {
  const int pa = turn(p, q, a), pb = turn(p, q, b), ap = turn(a, b, p), aq = turn(a, b, q);
  if (pa * pb > 0 || ap * aq > 0) return false;
  if (pa != 0 || pb != 0 || ap != 0 || aq != 0) return true;
  const auto apart = [&](int axis) {
    return std::max(p[axis], q[axis]) < std::min(a[axis], b[axis]) || std::max(a[axis], b[axis]) < std::min(p[axis], q[axis]);
  };
  return !apart(0) && !apart(1);
}

/// A segment and a triangle in one plane, seen along the axis along which the triangle is largest.
bool meet_in_plane(const Point& p, const Point& q, const std::array<Point, 3>& t) {
  const Point u = t[1] - t[0], v = t[2] - t[0];
  const double nx = std::abs(u.y * v.z - u.z * v.y), ny = std::abs(u.z * v.x - u.x * v.z), nz = std::abs(u.x * v.y - u.y * v.x);
  const auto flat = [&](const Point& a) -> Flat {
    if (nx >= ny && nx >= nz) return {a.y, a.z};
    return ny >= nz ? Flat{a.x, a.z} : Flat{a.x, a.y};
  };
  const Flat from = flat(p), to = flat(q), a = flat(t[0]), b = flat(t[1]), c = flat(t[2]);
  if (segments_meet(from, to, a, b) || segments_meet(from, to, b, c) || segments_meet(from, to, c, a)) return true;
  const int ab = turn(a, b, from), bc = turn(b, c, from), ca = turn(c, a, from);
  return ab == bc && bc == ca && ab != 0;
}

bool segment_meets(const Point& p, const Point& q, const std::array<Point, 3>& t) {
  const int at_p = side(t[0], t[1], t[2], p), at_q = side(t[0], t[1], t[2], q);
  if (at_p * at_q > 0) return false;
  if (at_p == 0 && at_q == 0) return meet_in_plane(p, q, t);
  const int ab = side(p, q, t[0], t[1]), bc = side(p, q, t[1], t[2]), ca = side(p, q, t[2], t[0]);
  return (ab >= 0 && bc >= 0 && ca >= 0) || (ab <= 0 && bc <= 0 && ca <= 0);
}

/// Two triangles over one edge: folded when, seen along the edge, they run in the same direction.
bool folded(Vector3 from, Vector3 to, Vector3 first, Vector3 second) {
  constexpr float kCosineOfOneDegree = 0.99985F;
  const Vector3 along = normalized(to - from);
  const auto away = [&](Vector3 apex) { return normalized((apex - from) - along * dot(apex - from, along), {}); };
  return dot(away(first), away(second)) > kCosineOfOneDegree;
}

}  // namespace

bool triangles_cross(const std::vector<Vector3>& positions, const Mesh::Triangle& first, const Mesh::Triangle& second) {
  std::array<bool, 3> of_first{}, of_second{};
  int shared = 0;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      if (first[i] == second[j]) of_first[i] = of_second[j] = true, ++shared;
  if (shared >= 3) return true;
  const auto free_corner = [](const std::array<bool, 3>& taken) { return taken[0] ? (taken[1] ? 2 : 1) : 0; };
  if (shared == 2) {
    const int i = free_corner(of_first), j = free_corner(of_second);
    return folded(positions[first[(i + 1) % 3]], positions[first[(i + 2) % 3]], positions[first[i]], positions[second[j]]);
  }
  const auto corners = [&](const Mesh::Triangle& triangle) {
    std::array<Point, 3> result;
    for (int i = 0; i < 3; ++i) result[i] = {positions[triangle[i]].x, positions[triangle[i]].y, positions[triangle[i]].z};
    return result;
  };
  const std::array<Point, 3> a = corners(first), b = corners(second);
  for (int i = 0; i < 3; ++i) {
    const int next = (i + 1) % 3;
    if (!of_first[i] && !of_first[next] && segment_meets(a[i], a[next], b)) return true;
    if (!of_second[i] && !of_second[next] && segment_meets(b[i], b[next], a)) return true;
  }
  return false;
}

std::vector<std::pair<uint32_t, uint32_t>> crossing_pairs(const Mesh& mesh) {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  if (mesh.triangles.empty()) return pairs;
  const Box whole = bounding_box(mesh);
  const auto count = static_cast<float>(mesh.triangles.size());
  TriangleGrid grid(whole, 2 * std::sqrt(static_cast<float>(surface_area(mesh)) / count));
  for (uint32_t t = 0; t < mesh.triangles.size(); ++t) grid.insert(t, triangle_box(mesh.positions, mesh.triangles[t]));
  std::mutex mutex;
  at::parallel_for(0, static_cast<int64_t>(mesh.triangles.size()), 512, [&](int64_t begin, int64_t end) {
    std::vector<std::pair<uint32_t, uint32_t>> found;
    for (auto t = static_cast<uint32_t>(begin); t < end; ++t) {
      const Box box = triangle_box(mesh.positions, mesh.triangles[t]);
      grid.any_near(box, [&](uint32_t other) {
        if (other > t && boxes_meet(box, triangle_box(mesh.positions, mesh.triangles[other])) &&
            triangles_cross(mesh.positions, mesh.triangles[t], mesh.triangles[other]))
          found.emplace_back(t, other);
        return false;
      });
    }
    const std::lock_guard lock(mutex);
    pairs.insert(pairs.end(), found.begin(), found.end());
  });
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

}  // namespace gsv3d
