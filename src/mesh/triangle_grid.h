// Triangles by place: which ones may touch a box. What tests for crossing triangles and simplification search in.
#pragma once

#include <cstdint>
#include <vector>

#include "mesh/mesh.h"

namespace gsv3d {

/// The box around a triangle of these vertices.
inline Box triangle_box(const std::vector<Vector3>& positions, const Mesh::Triangle& triangle) {
  Box box;
  for (const uint32_t vertex : triangle) box.add(positions[vertex]);
  return box;
}

/// Cells of equal size over a box, each with the triangles whose boxes reach into it. What lies outside is kept in the outermost
/// cells.
class TriangleGrid {
 public:
  /// Cells of about `cell` world units, at most 128 along a side.
  TriangleGrid(const Box& box, float cell);

  void insert(uint32_t triangle, const Box& box);
  void remove(uint32_t triangle, const Box& box);

  /// Calls visit(triangle) for every triangle that may touch the box, some of them several times, until it returns true; →
  /// whether one did.
  template <class Visit>
  bool any_near(const Box& box, const Visit& visit) const {
    const Range range = cells(box);
    for (int64_t x = range.low[0]; x <= range.high[0]; ++x)
      for (int64_t y = range.low[1]; y <= range.high[1]; ++y)
        for (int64_t z = range.low[2]; z <= range.high[2]; ++z)
          for (const uint32_t triangle : cells_[index(x, y, z)])
            if (visit(triangle)) return true;
    return false;
  }

 private:
  struct Range {
    std::array<int64_t, 3> low, high;
  };
  Range cells(const Box& box) const;
  size_t index(int64_t x, int64_t y, int64_t z) const { return (x * size_[1] + y) * size_[2] + z; }

  Vector3 origin_;
  float inverse_cell_;
  std::array<int64_t, 3> size_;
  std::vector<std::vector<uint32_t>> cells_;
};

}  // namespace gsv3d
