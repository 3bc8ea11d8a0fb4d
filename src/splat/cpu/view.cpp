#include "splat/cpu/view.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d::splat_cpu {
namespace {

/// Adjugate over determinant, in double. → false when the matrix has no inverse.
bool invert(const float* m, double* inverse) {
  const auto minor = [&](int r, int c) {
    const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return double{m[3 * r1 + c1]} * m[3 * r2 + c2] - double{m[3 * r1 + c2]} * m[3 * r2 + c1];
  };
  const double determinant = m[0] * minor(0, 0) + m[1] * minor(0, 1) + m[2] * minor(0, 2);
  if (!std::isfinite(determinant) || determinant == 0) return false;
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 3; ++c) inverse[3 * c + r] = minor(r, c) / determinant;
  return true;
}

}  // namespace

View make_view(const float* m, const float* k, int64_t index) {
  View view;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) view.rotation[3 * i + j] = m[4 * i + j];
    view.translation[i] = m[4 * i + 3];
  }
  view.fx = k[0], view.fy = k[4], view.cx = k[2], view.cy = k[5];
  require(view.fx > 0 && view.fy > 0, "rasterize: focal lengths must be positive, camera {} has {} and {}", index, view.fx,
          view.fy);
  require(invert(view.rotation, view.inverse_rotation), "rasterize: the world_to_camera matrix of camera {} cannot be inverted",
          index);
  for (int i = 0; i < 3; ++i) {
    double position = 0;
    for (int j = 0; j < 3; ++j) position -= view.inverse_rotation[3 * i + j] * view.translation[j];
    view.position[i] = static_cast<float>(position);
  }
  return view;
}

}  // namespace gsv3d::splat_cpu
