#include "mesh/triangle_grid.h"

#include <algorithm>

namespace gsv3d {

TriangleGrid::TriangleGrid(const Box& box, float cell) : origin_(box.low) {
  constexpr float kMaxSide = 128;
  cell = std::max({cell, box.longest_side() / kMaxSide, 1e-20F});
  inverse_cell_ = 1 / cell;
  const Vector3 sides = box.size();
  const auto count = [&](float side) { return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(side * inverse_cell_))); };
  size_ = {count(sides.x), count(sides.y), count(sides.z)};
  cells_.resize(size_[0] * size_[1] * size_[2]);
}

TriangleGrid::Range TriangleGrid::cells(const Box& box) const {
  const Vector3 low = (box.low - origin_) * inverse_cell_, high = (box.high - origin_) * inverse_cell_;
  const auto cut = [&](float place, int axis) {
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(place)), 0, size_[axis] - 1);
  };
  return {{cut(low.x, 0), cut(low.y, 1), cut(low.z, 2)}, {cut(high.x, 0), cut(high.y, 1), cut(high.z, 2)}};
}

void TriangleGrid::insert(uint32_t triangle, const Box& box) {
  const Range range = cells(box);
  for (int64_t x = range.low[0]; x <= range.high[0]; ++x)
    for (int64_t y = range.low[1]; y <= range.high[1]; ++y)
      for (int64_t z = range.low[2]; z <= range.high[2]; ++z) cells_[index(x, y, z)].push_back(triangle);
}

void TriangleGrid::remove(uint32_t triangle, const Box& box) {
  const Range range = cells(box);
  for (int64_t x = range.low[0]; x <= range.high[0]; ++x) {
    for (int64_t y = range.low[1]; y <= range.high[1]; ++y) {
      for (int64_t z = range.low[2]; z <= range.high[2]; ++z) {
        std::vector<uint32_t>& cell = cells_[index(x, y, z)];
        const auto place = std::find(cell.begin(), cell.end(), triangle);
        if (place == cell.end()) continue;
        *place = cell.back();
        cell.pop_back();
      }
    }
  }
}

}  // namespace gsv3d
