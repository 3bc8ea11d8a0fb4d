#include "gaussian_files/morton.h"

#include <cmath>

#include "gaussians/bounds.h"

namespace gsv3d {
namespace {

constexpr double kOutliers = 0.005;

/// 10 bits, two zeros between any two of them.
uint32_t spread(uint32_t v) {
  v = (v | v << 16) & 0x030000ff;
  v = (v | v << 8) & 0x0300f00f;
  v = (v | v << 4) & 0x030c30c3;
  return (v | v << 2) & 0x09249249;
}

}  // namespace

Tensor morton_order(const Tensor& points) {
  constexpr int64_t kBehindAllCells = int64_t{1} << 30;
  if (points.size(0) == 0) return at::empty({0}, at::kLong);
  const Tensor low = share_below(points, kOutliers), range = (share_below(points, 1 - kOutliers) - low).clamp_min(1e-30);
  const Tensor cells = ((points - low) / range * 1023).clamp(0, 1023).to(at::kInt).contiguous();
  // How far outside of the box, in sizes of its longest side.
  const Tensor outside = at::maximum(low - points, points - low - range).amax(1) / range.max();
  const Tensor far = (outside * 1024).clamp(0, float{1 << 30}).to(at::kLong).contiguous();
  const Tensor codes = at::empty({points.size(0)}, at::kLong);
  const int* cell = cells.const_data_ptr<int>();
  for (int64_t i = 0; i < points.size(0); ++i) {
    const int64_t distance = far.const_data_ptr<int64_t>()[i];
    codes.mutable_data_ptr<int64_t>()[i] =
        distance > 1024 ? kBehindAllCells + distance
                        : spread(cell[3 * i]) | spread(cell[3 * i + 1]) << 1 | spread(cell[3 * i + 2]) << 2;
  }
  return at::argsort(codes, /*stable=*/true, /*dim=*/0);
}

}  // namespace gsv3d
