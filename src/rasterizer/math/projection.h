// One Gaussian → one splat: EWA projection (Zwicker et al. 2001, as in 3DGS) and colour from spherical harmonics.
#pragma once

#include <bit>

#include "gaussians/spherical_harmonics.h"
#include "rasterizer/math/projection_terms.h"

namespace gsv3d::splat_math {

/// Colour towards `view` of a Gaussian at `mean` with coefficients or, when sh_count is 0, a colour at `color`.
GSV3D_HOST_DEVICE void splat_color(const View& view, const float* mean, const float* color, int sh_count, float* rgb) {
  if (sh_count == 0) {
    for (int c = 0; c < 3; ++c) rgb[c] = color[c];
    return;
  }
  float direction[3] = {}, basis[kMaxShCount];
  if (sh_count > 1) {
    for (int i = 0; i < 3; ++i) direction[i] = mean[i] - view.position[i];
    const float norm = std::sqrt(direction[0] * direction[0] + direction[1] * direction[1] + direction[2] * direction[2]);
    const float inverse = 1 / std::max(norm, 1e-12f);
    for (float& component : direction) component *= inverse;
  }
  sh_basis(direction[0], direction[1], direction[2], sh_count, basis);
  float sums[3] = {0.5f, 0.5f, 0.5f};
  GSV3D_UNROLL
  for (int k = 0; k < sh_count; ++k)
    for (int c = 0; c < 3; ++c) sums[c] += basis[k] * color[3 * k + c];
  for (int c = 0; c < 3; ++c) rgb[c] = std::max(sums[c], 0.0f);
}

/// False when the splat touches no pixel centre's square of the image (gsplat's test, on whole pixels).
GSV3D_HOST_DEVICE bool on_screen(const Splat& splat, ImageSize image) {
  const float radius_x = std::ceil(splat.extent_x), radius_y = std::ceil(splat.extent_y);
  return (splat.x + radius_x > 0) & (splat.x - radius_x < static_cast<float>(image.width)) & (splat.y + radius_y > 0) &
         (splat.y - radius_y < static_cast<float>(image.height));
}

/// What decides whether and how a Gaussian is drawn, apart from itself.
struct DrawRules {
  ImageSize image;
  float near_plane, far_plane;
  bool antialiased;
};

/// ln v for positive, normal v, to 1e-7: the library's is a call that no compiler looks into.
GSV3D_HOST_DEVICE float natural_log(float v) {
  // v = 2^exponent · m with m in [sqrt(½), sqrt(2)); ln m = 2 artanh((m - 1) / (m + 1)).
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  const auto shifted = static_cast<int32_t>(std::bit_cast<uint32_t>(v) - kSqrtHalf);  // unsigned: any v may come, and be culled
  const float m = std::bit_cast<float>((shifted & 0x7fffff) + kSqrtHalf);
  const float t = (m - 1) / (m + 1), tt = t * t;
  const float series = 1.0f + tt * (1.0f / 3 + tt * (1.0f / 5 + tt * (1.0f / 7)));
  return static_cast<float>(shifted >> 23) * 0.69314718f + 2 * t * series;
}

/// Fills all of `splat` but its colour, and `t`. → false: culled, what they hold then means nothing. Comparisons are written so
/// that values that are not numbers cull. One test at the end: nearly all Gaussians pass, and earlier ones only hold up the rest.
GSV3D_HOST_DEVICE bool project_one(const DrawRules& rules, const View& view, const float* mean, const float* covariance,
                                   float opacity, Splat& splat, ProjectionTerms& t) {
  float point[3];
  camera_point(view, mean, point);
  t = projection_terms(view, rules.image, point, covariance);
  splat.opacity = opacity * (rules.antialiased ? t.compensation : 1);

  const float xx = t.cov_xx + kBlur, yy = t.cov_yy + kBlur;
  const double inverse = 1 / t.determinant;
  splat.a = static_cast<float>(yy * inverse);
  splat.b = static_cast<float>(-t.cov_xy * inverse);
  splat.c = static_cast<float>(xx * inverse);
  splat.x = view.fx * point[0] * t.inverse_z + view.cx;
  splat.y = view.fy * point[1] * t.inverse_z + view.cy;
  splat.depth = point[2];
  const float reach = std::sqrt(2 * natural_log(255 * splat.opacity));
  const float deviations = reach < kMaxExtentInDeviations ? reach : kMaxExtentInDeviations;
  splat.extent_x = deviations * std::sqrt(xx);
  splat.extent_y = deviations * std::sqrt(yy);
  const bool in_depth = (point[2] >= rules.near_plane) & (point[2] <= rules.far_plane);
  const bool sound = (t.determinant > 0) & (t.determinant < 1e30) & (splat.opacity >= kMinAlpha);
  return in_depth & sound & (splat.extent_x > 0) & (splat.extent_y > 0) & on_screen(splat, rules.image);
}

}  // namespace gsv3d::splat_math
