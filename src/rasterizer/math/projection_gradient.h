// Gradient of one splat → gradients of its Gaussian and its camera: the chain rule of projection.h, read from the end.
#pragma once

#include "gaussians/spherical_harmonics.h"
#include "rasterizer/math/projection_terms.h"

namespace gsv3d::splat_math {

/// One Gaussian as it was given, apart from its shape.
struct GaussianInput {
  const float* mean;   ///< [3]
  const float* color;  ///< [sh_count, 3] coefficients, or [3] when sh_count is 0
  int sh_count;
  float opacity;
};

/// Gradient of one Gaussian, collected over its scene's views.
struct GaussianGradient {
  float mean[3] = {}, opacity = 0;
  float covariance[9] = {};  ///< dL/dΣ, full and symmetric
};

/// Gradient of one camera: the 3×3 block, then the translation. `Real` is double where very many Gaussians add to it.
template <class Real>
struct ViewGradient {
  Real rotation[9] = {}, translation[3] = {};
};

GSV3D_HOST_DEVICE bool is_zero(const SplatMoments& sum) {
  return sum.red == 0 && sum.green == 0 && sum.blue == 0 && sum.depth == 0 && sum.s == 0 && sum.sx == 0 && sum.sy == 0 &&
         sum.sxx == 0 && sum.sxy == 0 && sum.syy == 0;
}

/// dL/d(2D covariance before the blur) as [[xx, xy], [xy, yy]].
struct CovarianceGradient {
  float xx, xy, yy;
};

/// The conic is the inverse of the blurred covariance, so dL/dΣ = −Q G Q. `v_compensation` adds the antialiasing factor's part.
GSV3D_HOST_DEVICE CovarianceGradient covariance_gradient(const Splat& s, const SplatMoments& sum, const ProjectionTerms& t,
                                                         float v_compensation) {
  const float g00 = 0.5f * sum.sxx, g01 = 0.5f * sum.sxy, g11 = 0.5f * sum.syy;
  const float h00 = s.a * g00 + s.b * g01, h01 = s.a * g01 + s.b * g11, h10 = s.b * g00 + s.c * g01, h11 = s.b * g01 + s.c * g11;
  CovarianceGradient v = {-(h00 * s.a + h01 * s.b), -(h00 * s.b + h01 * s.c), -(h10 * s.b + h11 * s.c)};
  if (v_compensation != 0 && t.compensation > 0) {
    // compensation² = D0 / D; the off-diagonal entry counts twice in D, and half of its derivative belongs to each place.
    const double v_ratio = 0.5 * v_compensation / t.compensation / t.determinant, ratio = t.determinant_before / t.determinant;
    v.xx += static_cast<float>(v_ratio * (t.cov_yy - ratio * (t.cov_yy + kBlur)));
    v.yy += static_cast<float>(v_ratio * (t.cov_xx - ratio * (t.cov_xx + kBlur)));
    v.xy += static_cast<float>(v_ratio * (ratio - 1) * t.cov_xy);
  }
  return v;
}

/// Σ2D = T Σ Tᵀ with T = J W: adds to dL/dΣ and dL/dW, and adds the Jacobian's part to dL/d(point in camera axes).
template <class Real>
GSV3D_HOST_DEVICE void shape_backward(const View& view, const ProjectionTerms& t, const float* covariance,
                                      const CovarianceGradient& v, float* v_covariance, float* v_point,
                                      ViewGradient<Real>* v_view) {
  const float* c = covariance;
  const float full[9] = {c[0], c[1], c[2], c[1], c[3], c[4], c[2], c[4], c[5]};
  const float* p = t.t;
  const float* q = t.t + 3;
  float vt[6];
  for (int i = 0; i < 3; ++i) {
    const float sp = full[3 * i] * p[0] + full[3 * i + 1] * p[1] + full[3 * i + 2] * p[2];
    const float sq = full[3 * i] * q[0] + full[3 * i + 1] * q[1] + full[3 * i + 2] * q[2];
    vt[i] = 2 * (v.xx * sp + v.xy * sq);
    vt[3 + i] = 2 * (v.xy * sp + v.yy * sq);
    for (int j = 0; j < 3; ++j)
      v_covariance[3 * i + j] += p[i] * (v.xx * p[j] + v.xy * q[j]) + q[i] * (v.xy * p[j] + v.yy * q[j]);
  }
  // J = [[fx/z, 0, -fx·u/z], [0, fy/z, -fy·v/z]] with the limited slopes u, v.
  const float jx = view.fx * t.inverse_z, jy = view.fy * t.inverse_z;
  const float* w = view.rotation;
  const float v00 = vt[0] * w[0] + vt[1] * w[1] + vt[2] * w[2], v02 = vt[0] * w[6] + vt[1] * w[7] + vt[2] * w[8];
  const float v11 = vt[3] * w[3] + vt[4] * w[4] + vt[5] * w[5], v12 = vt[3] * w[6] + vt[4] * w[7] + vt[5] * w[8];
  float v_z = -t.inverse_z * (jx * (v00 - t.slope_x * v02) + jy * (v11 - t.slope_y * v12));
  if (t.inside_x) {
    v_point[0] += -jx * v02 * t.inverse_z;
    v_z += jx * v02 * t.slope_x * t.inverse_z;
  }
  if (t.inside_y) {
    v_point[1] += -jy * v12 * t.inverse_z;
    v_z += jy * v12 * t.slope_y * t.inverse_z;
  }
  v_point[2] += v_z;
  if (!v_view) return;
  for (int i = 0; i < 3; ++i) {
    v_view->rotation[i] += jx * vt[i];
    v_view->rotation[3 + i] += jy * vt[3 + i];
    v_view->rotation[6 + i] += -jx * t.slope_x * vt[i] - jy * t.slope_y * vt[3 + i];
  }
}

/// Colour → coefficients (added to v_colors), mean and camera centre.
template <class Real>
GSV3D_HOST_DEVICE void color_backward(const GaussianInput& gaussian, const View& view, const Splat& splat,
                                      const SplatMoments& sum, float* v_colors, float* v_mean, ViewGradient<Real>* v_view) {
  const int count = gaussian.sh_count;
  if (count == 0) {
    v_colors[0] += sum.red, v_colors[1] += sum.green, v_colors[2] += sum.blue;
    return;
  }
  // Nothing passes where SH + 0.5 was cut at 0.
  const float v_rgb[3] = {splat.red > 0 ? sum.red : 0, splat.green > 0 ? sum.green : 0, splat.blue > 0 ? sum.blue : 0};
  float d[3] = {}, inverse = 0, basis[kMaxShCount], weights[kMaxShCount];
  if (count > 1) {
    for (int i = 0; i < 3; ++i) d[i] = gaussian.mean[i] - view.position[i];
    inverse = 1 / std::max(std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), 1e-12f);
    for (float& component : d) component *= inverse;
  }
  sh_basis(d[0], d[1], d[2], count, basis);
  const float* sh = gaussian.color;
  GSV3D_UNROLL
  for (int k = 0; k < count; ++k) {
    weights[k] = sh[3 * k] * v_rgb[0] + sh[3 * k + 1] * v_rgb[1] + sh[3 * k + 2] * v_rgb[2];
    for (int c = 0; c < 3; ++c) v_colors[3 * k + c] += basis[k] * v_rgb[c];
  }
  if (count == 1) return;
  float v_direction[3];
  sh_basis_gradient(d[0], d[1], d[2], count, weights, v_direction);
  const float along = v_direction[0] * d[0] + v_direction[1] * d[1] + v_direction[2] * d[2];
  float across[3];
  for (int i = 0; i < 3; ++i) v_mean[i] += across[i] = (v_direction[i] - along * d[i]) * inverse;
  if (!v_view) return;
  // The camera centre is −W⁻¹ t: d(centre) = −W⁻¹ (dW · centre + dt).
  for (int i = 0; i < 3; ++i) {
    Real v = 0;
    for (int j = 0; j < 3; ++j) v += static_cast<Real>(view.inverse_rotation[3 * j + i]) * across[j];
    v_view->translation[i] += v;
    for (int j = 0; j < 3; ++j) v_view->rotation[3 * i + j] += v * view.position[j];
  }
}

/// One Gaussian in one view.
template <class Real>
GSV3D_HOST_DEVICE void view_backward(ImageSize image, bool antialiased, const View& view, const GaussianInput& gaussian,
                                     const ShapeTerms& shape, const Splat& splat, const SplatMoments& sum, float* v_colors,
                                     GaussianGradient& out, ViewGradient<Real>* v_view) {
  float point[3];
  camera_point(view, gaussian.mean, point);
  const ProjectionTerms t = projection_terms(view, image, point, shape.covariance);
  const float v_opacity = -sum.s / splat.opacity;
  const float v_x = -(splat.a * sum.sx + splat.b * sum.sy), v_y = -(splat.b * sum.sx + splat.c * sum.sy);
  out.opacity += v_opacity * (antialiased ? t.compensation : 1);
  const auto v_covariance = covariance_gradient(splat, sum, t, antialiased ? v_opacity * gaussian.opacity : 0);

  const float jx = view.fx * t.inverse_z, jy = view.fy * t.inverse_z;
  float v_point[3] = {jx * v_x, jy * v_y, sum.depth - (jx * v_x * point[0] + jy * v_y * point[1]) * t.inverse_z};
  shape_backward(view, t, shape.covariance, v_covariance, out.covariance, v_point, v_view);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) out.mean[j] += view.rotation[3 * i + j] * v_point[i];
  if (v_view) {
    for (int i = 0; i < 3; ++i) {
      v_view->translation[i] += v_point[i];
      for (int j = 0; j < 3; ++j) v_view->rotation[3 * i + j] += v_point[i] * gaussian.mean[j];
    }
  }
  color_backward(gaussian, view, splat, sum, v_colors, out.mean, v_view);
}

/// dL/dΣ → scales and quaternion.
GSV3D_HOST_DEVICE void covariance_backward(const ShapeTerms& shape, const float* scale, const float* v_covariance, float* v_scale,
                                           float* v_quat) {
  float v_rotation[9];
  for (int j = 0; j < 3; ++j) v_scale[j] = 0;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      float v_m = 0;
      for (int k = 0; k < 3; ++k) v_m += 2 * v_covariance[3 * i + k] * shape.m[3 * k + j];
      v_scale[j] += shape.rotation[3 * i + j] * v_m;
      v_rotation[3 * i + j] = v_m * scale[j];
    }
  }
  const float w = shape.quat[0], x = shape.quat[1], y = shape.quat[2], z = shape.quat[3];
  const float* v = v_rotation;
  const float v_unit[4] = {2 * (x * (v[7] - v[5]) + y * (v[2] - v[6]) + z * (v[3] - v[1])),
                           2 * (-2 * x * (v[4] + v[8]) + y * (v[1] + v[3]) + z * (v[2] + v[6]) + w * (v[7] - v[5])),
                           2 * (x * (v[1] + v[3]) - 2 * y * (v[0] + v[8]) + z * (v[5] + v[7]) + w * (v[2] - v[6])),
                           2 * (x * (v[2] + v[6]) + y * (v[5] + v[7]) - 2 * z * (v[0] + v[4]) + w * (v[3] - v[1]))};
  const float along = v_unit[0] * w + v_unit[1] * x + v_unit[2] * y + v_unit[3] * z;
  for (int i = 0; i < 4; ++i) v_quat[i] = (v_unit[i] - along * shape.quat[i]) * shape.inverse_norm;
}

}  // namespace gsv3d::splat_math
