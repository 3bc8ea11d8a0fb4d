#include "mesh/scalar_grid.h"

#include "core/error.h"

namespace gsv3d {

ScalarGrid make_grid(const Box& box, int64_t resolution) {
  require(resolution >= 4 && resolution <= kMaxGridSide, "mesh: a resolution of {} is not within 4 to {}", resolution,
          kMaxGridSide);
  require(!box.empty() && box.longest_side() > 0 && std::isfinite(box.longest_side()), "mesh: the object has no extent");
  ScalarGrid grid;
  grid.spacing = box.longest_side() / static_cast<float>(resolution - 1);
  const Vector3 size = box.size(), center = box.center();
  const auto samples = [&](float side) { return std::max<int64_t>(4, std::llround(std::ceil(side / grid.spacing - 1e-3F)) + 1); };
  grid.size = {samples(size.x), samples(size.y), samples(size.z)};
  const auto start = [&](float middle, int64_t count) { return middle - 0.5F * grid.spacing * static_cast<float>(count - 1); };
  grid.origin = {start(center.x, grid.size[0]), start(center.y, grid.size[1]), start(center.z, grid.size[2])};
  grid.values.assign(grid.size[0] * grid.size[1] * grid.size[2], 0.0F);
  return grid;
}

void close_grid(ScalarGrid& grid) {
  const auto [nx, ny, nz] = grid.size;
  std::vector<bool> reached(grid.values.size(), false);
  std::vector<std::array<int32_t, 3>> front;
  const auto reach = [&](int64_t x, int64_t y, int64_t z) {
    const size_t i = grid.index(x, y, z);
    if (reached[i] || grid.values[i] < 0) return;
    reached[i] = true;
    front.push_back({static_cast<int32_t>(x), static_cast<int32_t>(y), static_cast<int32_t>(z)});
  };
  for (int64_t x = 0; x < nx; ++x) {
    for (int64_t y = 0; y < ny; ++y) {
      const bool side = x == 0 || x == nx - 1 || y == 0 || y == ny - 1;
      for (int64_t z = 0; z < nz; z += side || nz == 1 ? 1 : nz - 1) grid.at(x, y, z) = 1, reach(x, y, z);
    }
  }
  while (!front.empty()) {
    const auto [x, y, z] = front.back();
    front.pop_back();
    if (x > 0) reach(x - 1, y, z);
    if (y > 0) reach(x, y - 1, z);
    if (z > 0) reach(x, y, z - 1);
    if (x + 1 < nx) reach(x + 1, y, z);
    if (y + 1 < ny) reach(x, y + 1, z);
    if (z + 1 < nz) reach(x, y, z + 1);
  }
  for (size_t i = 0; i < grid.values.size(); ++i) {
    if (!reached[i] && grid.values[i] >= 0) grid.values[i] = -1;
  }
}

}  // namespace gsv3d
