#include "mesh/field_filters.h"

#include <ATen/Parallel.h>

namespace gsv3d {
namespace {

/// Calls filter(first, stride, count) for every line of samples along an axis.
template <class Filter>
void for_each_line(ScalarGrid& grid, int axis, const Filter& filter) {
  const std::array<int64_t, 3> strides = {grid.size[1] * grid.size[2], grid.size[2], 1};
  const int u = (axis + 1) % 3, v = (axis + 2) % 3;
  at::parallel_for(0, grid.size[u] * grid.size[v], 64, [&](int64_t begin, int64_t end) {
    for (int64_t line = begin; line < end; ++line) {
      const int64_t first = line / grid.size[v] * strides[u] + line % grid.size[v] * strides[v];
      filter(grid.values.data() + first, strides[axis], grid.size[axis]);
    }
  });
}

}  // namespace

void blur(ScalarGrid& grid, int64_t rounds) {
  for (int64_t round = 0; round < rounds; ++round) {
    for (int axis = 0; axis < 3; ++axis) {
      for_each_line(grid, axis, [](float* values, int64_t stride, int64_t count) {
        float before = values[0];
        for (int64_t i = 0; i < count; ++i) {
          const float here = values[i * stride], after = values[std::min(i + 1, count - 1) * stride];
          values[i * stride] = 0.25F * (before + 2 * here + after);
          before = here;
        }
      });
    }
  }
}

}  // namespace gsv3d
