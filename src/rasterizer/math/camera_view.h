// Camera matrices → View.
#pragma once

#include <cmath>

#include "rasterizer/math/splat.h"

namespace gsv3d::splat_math {

enum class ViewState { kGood = 0, kNotInvertible = 1, kBadFocalLength = 2 };

/// `world_to_camera` is 4×4, `intrinsics` 3×3, both row by row. The inverse is adjugate over determinant, in double.
GSV3D_HOST_DEVICE ViewState make_view(const float* world_to_camera, const float* intrinsics, View& view) {
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) view.rotation[3 * i + j] = world_to_camera[4 * i + j];
    view.translation[i] = world_to_camera[4 * i + 3];
  }
  view.fx = intrinsics[0], view.fy = intrinsics[4], view.cx = intrinsics[2], view.cy = intrinsics[5];
  if (!(view.fx > 0 && view.fy > 0)) return ViewState::kBadFocalLength;

  const float* m = view.rotation;
  const auto minor = [m](int r, int c) {
    const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return double{m[3 * r1 + c1]} * m[3 * r2 + c2] - double{m[3 * r1 + c2]} * m[3 * r2 + c1];
  };
  const double determinant = m[0] * minor(0, 0) + m[1] * minor(0, 1) + m[2] * minor(0, 2);
  if (!(std::fabs(determinant) > 0 && std::fabs(determinant) < 1e300)) return ViewState::kNotInvertible;
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 3; ++c) view.inverse_rotation[3 * c + r] = minor(r, c) / determinant;
  for (int i = 0; i < 3; ++i) {
    double position = 0;
    for (int j = 0; j < 3; ++j) position -= view.inverse_rotation[3 * i + j] * view.translation[j];
    view.position[i] = static_cast<float>(position);
  }
  return ViewState::kGood;
}

}  // namespace gsv3d::splat_math
