#include "objects/polygon.h"

#include <cmath>

namespace gsv3d {
namespace {

using Point = std::array<double, 2>;

double doubled_area(const Point& a, const Point& b, const Point& c) {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

bool inside(const Point& p, const Point& a, const Point& b, const Point& c) {
  return doubled_area(a, b, p) >= 0 && doubled_area(b, c, p) >= 0 && doubled_area(c, a, p) >= 0;
}

/// Drops the axis along which the polygon's normal is longest and keeps the winding counter-clockwise.
std::vector<Point> project(std::span<const std::array<float, 3>> points) {
  std::array<double, 3> normal{};
  for (size_t i = 0; i < points.size(); ++i) {
    const auto& a = points[i];
    const auto& b = points[(i + 1) % points.size()];
    for (int axis = 0; axis < 3; ++axis) {
      const int u = (axis + 1) % 3, v = (axis + 2) % 3;
      normal[axis] += (static_cast<double>(a[u]) - b[u]) * (static_cast<double>(a[v]) + b[v]);
    }
  }
  int drop = 0;
  for (int axis = 1; axis < 3; ++axis)
    if (std::abs(normal[axis]) > std::abs(normal[drop])) drop = axis;
  int u = (drop + 1) % 3, v = (drop + 2) % 3;
  if (normal[drop] < 0) std::swap(u, v);
  std::vector<Point> flat(points.size());
  for (size_t i = 0; i < points.size(); ++i) flat[i] = {points[i][u], points[i][v]};
  return flat;
}

std::vector<std::array<uint32_t, 3>> fan(size_t corners) {
  std::vector<std::array<uint32_t, 3>> triangles;
  for (uint32_t i = 2; i < corners; ++i) triangles.push_back({0, i - 1, i});
  return triangles;
}

bool is_ear(const std::vector<Point>& points, const std::vector<uint32_t>& ring, size_t i) {
  const size_t n = ring.size();
  const uint32_t before = ring[(i + n - 1) % n], here = ring[i], after = ring[(i + 1) % n];
  const Point &a = points[before], &b = points[here], &c = points[after];
  if (doubled_area(a, b, c) <= 0) return false;
  for (uint32_t other : ring) {
    if (other == before || other == here || other == after) continue;
    const Point& p = points[other];
    // Corners that repeat one of the ear's (bridges to holes) do not lie in its way.
    if (p == a || p == b || p == c) continue;
    if (inside(p, a, b, c)) return false;
  }
  return true;
}

}  // namespace

std::vector<std::array<uint32_t, 3>> triangulate(std::span<const std::array<float, 3>> points) {
  if (points.size() < 4 || points.size() > 2048) return fan(points.size());
  const auto flat = project(points);
  std::vector<uint32_t> ring(points.size());
  for (uint32_t i = 0; i < ring.size(); ++i) ring[i] = i;
  std::vector<std::array<uint32_t, 3>> triangles;
  size_t at = 0, failures = 0;
  while (ring.size() > 3) {
    if (failures == ring.size()) return fan(points.size());
    if (!is_ear(flat, ring, at)) {
      at = (at + 1) % ring.size();
      ++failures;
      continue;
    }
    const size_t n = ring.size();
    triangles.push_back({ring[(at + n - 1) % n], ring[at], ring[(at + 1) % n]});
    ring.erase(ring.begin() + static_cast<std::ptrdiff_t>(at));
    at %= ring.size();
    failures = 0;
  }
  triangles.push_back({ring[0], ring[1], ring[2]});
  return triangles;
}

}  // namespace gsv3d
