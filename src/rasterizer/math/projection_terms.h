// The intermediate values of the projection that its two directions share.
#pragma once

#include <algorithm>
#include <cmath>

#include "rasterizer/math/splat.h"

namespace gsv3d::splat_math {

/// What a Gaussian's shape is before any camera: R from the normalised quaternion, M = R · diag(scale), Σ = M Mᵀ.
struct ShapeTerms {
  float quat[4], inverse_norm;
  float rotation[9], m[9];
  float covariance[6];  ///< xx, xy, xz, yy, yz, zz
};

GSV3D_HOST_DEVICE ShapeTerms shape_terms(const float* quat, const float* scale) {
  ShapeTerms t;
  const float norm = std::sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3]);
  t.inverse_norm = 1 / std::max(norm, 1e-12f);
  for (int i = 0; i < 4; ++i) t.quat[i] = quat[i] * t.inverse_norm;
  const float w = t.quat[0], x = t.quat[1], y = t.quat[2], z = t.quat[3];
  const float rotation[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                             2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                             2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
  for (int i = 0; i < 9; ++i) {
    t.rotation[i] = rotation[i];
    t.m[i] = rotation[i] * scale[i % 3];
  }
  const auto row_product = [&](int i, int j) {
    return t.m[3 * i] * t.m[3 * j] + t.m[3 * i + 1] * t.m[3 * j + 1] + t.m[3 * i + 2] * t.m[3 * j + 2];
  };
  t.covariance[0] = row_product(0, 0);
  t.covariance[1] = row_product(0, 1);
  t.covariance[2] = row_product(0, 2);
  t.covariance[3] = row_product(1, 1);
  t.covariance[4] = row_product(1, 2);
  t.covariance[5] = row_product(2, 2);
  return t;
}

/// One Gaussian in one camera.
struct ProjectionTerms {
  float point[3];  ///< mean in camera axes
  float inverse_z;
  float slope_x, slope_y;        ///< x/z and y/z for the Jacobian only: limited, so that it stays tame far outside the image
  bool inside_x, inside_y;       ///< not limited
  float t[6];                    ///< 2×3: Jacobian · rotation
  float cov_xx, cov_xy, cov_yy;  ///< 2D covariance before the blur, pixels²
  double determinant_before, determinant;  ///< before and after the blur
  float compensation;                      ///< sqrt(determinant_before / determinant), at least 0
};

GSV3D_HOST_DEVICE void camera_point(const View& view, const float* mean, float* point) {
  for (int i = 0; i < 3; ++i)
    point[i] = view.rotation[3 * i] * mean[0] + view.rotation[3 * i + 1] * mean[1] + view.rotation[3 * i + 2] * mean[2] +
               view.translation[i];
}

/// `point` is the mean in camera axes, in front of the camera.
GSV3D_HOST_DEVICE ProjectionTerms projection_terms(const View& view, ImageSize image, const float* point,
                                                   const float* covariance) {
  ProjectionTerms t;
  for (int i = 0; i < 3; ++i) t.point[i] = point[i];
  t.inverse_z = 1 / point[2];
  const float margin_x = 0.15f * image.width / view.fx, margin_y = 0.15f * image.height / view.fy;
  const float x = point[0] * t.inverse_z, y = point[1] * t.inverse_z;
  t.slope_x = std::min(std::max(x, -(view.cx / view.fx + margin_x)), (image.width - view.cx) / view.fx + margin_x);
  t.slope_y = std::min(std::max(y, -(view.cy / view.fy + margin_y)), (image.height - view.cy) / view.fy + margin_y);
  t.inside_x = t.slope_x == x;
  t.inside_y = t.slope_y == y;

  const float jx = view.fx * t.inverse_z, jy = view.fy * t.inverse_z;
  const float jxz = -jx * t.slope_x, jyz = -jy * t.slope_y;
  for (int i = 0; i < 3; ++i) {
    t.t[i] = jx * view.rotation[i] + jxz * view.rotation[6 + i];
    t.t[3 + i] = jy * view.rotation[3 + i] + jyz * view.rotation[6 + i];
  }
  const float* c = covariance;
  const float* p = t.t;
  const float* q = t.t + 3;
  const float cp[3] = {c[0] * p[0] + c[1] * p[1] + c[2] * p[2], c[1] * p[0] + c[3] * p[1] + c[4] * p[2],
                       c[2] * p[0] + c[4] * p[1] + c[5] * p[2]};
  const float cq[3] = {c[0] * q[0] + c[1] * q[1] + c[2] * q[2], c[1] * q[0] + c[3] * q[1] + c[4] * q[2],
                       c[2] * q[0] + c[4] * q[1] + c[5] * q[2]};
  t.cov_xx = p[0] * cp[0] + p[1] * cp[1] + p[2] * cp[2];
  t.cov_xy = p[0] * cq[0] + p[1] * cq[1] + p[2] * cq[2];
  t.cov_yy = q[0] * cq[0] + q[1] * cq[1] + q[2] * cq[2];
  // In double: thin, slanted splats would lose their determinant to cancellation.
  const double xx = t.cov_xx, xy = t.cov_xy, yy = t.cov_yy;
  t.determinant_before = xx * yy - xy * xy;
  t.determinant = (xx + kBlur) * (yy + kBlur) - xy * xy;
  t.compensation = std::sqrt(static_cast<float>(std::max(0.0, t.determinant_before / t.determinant)));
  return t;
}

}  // namespace gsv3d::splat_math
