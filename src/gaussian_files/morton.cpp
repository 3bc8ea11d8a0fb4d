#include "gaussian_files/morton.h"

#include <algorithm>

namespace gsv3d {
namespace {

/// 10 bits, two zeros between any two of them.
uint32_t spread(uint32_t v) {
  v = (v | v << 16) & 0x030000ff;
  v = (v | v << 8) & 0x0300f00f;
  v = (v | v << 4) & 0x030c30c3;
  return (v | v << 2) & 0x09249249;
}

}  // namespace

Tensor morton_order(const Tensor& points) {
  if (points.size(0) == 0) return at::empty({0}, at::kLong);
  const Tensor low = points.amin(0), range = (points.amax(0) - low).clamp_min(1e-30);
  const Tensor cells = ((points - low) / range * 1023).clamp(0, 1023).to(at::kInt).contiguous();
  const Tensor codes = at::empty({points.size(0)}, at::kLong);
  const int* cell = cells.const_data_ptr<int>();
  for (int64_t i = 0; i < points.size(0); ++i)
    codes.mutable_data_ptr<int64_t>()[i] = spread(cell[3 * i]) | spread(cell[3 * i + 1]) << 1 | spread(cell[3 * i + 2]) << 2;
  return at::argsort(codes, /*stable=*/true, /*dim=*/0);
}

}  // namespace gsv3d
