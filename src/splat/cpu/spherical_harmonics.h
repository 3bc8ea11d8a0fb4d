// Real spherical harmonics up to degree 3 in 3DGS's order and signs, as polynomials of a unit direction.
#pragma once

namespace gsv3d::splat_cpu {

constexpr int kMaxShCount = 16;

/// values[0 … count): count is 1, 4, 9 or 16.
inline void sh_basis(float x, float y, float z, int count, float* values) {
  values[0] = 0.28209479177387814f;
  if (count < 4) return;
  values[1] = -0.4886025119029199f * y;
  values[2] = 0.4886025119029199f * z;
  values[3] = -0.4886025119029199f * x;
  if (count < 9) return;
  const float xx = x * x, yy = y * y, zz = z * z;
  values[4] = 1.0925484305920792f * x * y;
  values[5] = -1.0925484305920792f * y * z;
  values[6] = 0.31539156525252005f * (2 * zz - xx - yy);
  values[7] = -1.0925484305920792f * x * z;
  values[8] = 0.5462742152960396f * (xx - yy);
  if (count < 16) return;
  values[9] = -0.5900435899266435f * y * (3 * xx - yy);
  values[10] = 2.890611442640554f * x * y * z;
  values[11] = -0.4570457994644658f * y * (4 * zz - xx - yy);
  values[12] = 0.3731763325901154f * z * (2 * zz - 3 * xx - 3 * yy);
  values[13] = -0.4570457994644658f * x * (4 * zz - xx - yy);
  values[14] = 1.445305721320277f * z * (xx - yy);
  values[15] = -0.5900435899266435f * x * (xx - 3 * yy);
}

/// gradient = Σ_k weights[k] · ∇values[k] with respect to (x, y, z). Only its part across the direction is meaningful: the
/// polynomials are continued off the unit sphere in one of many ways.
inline void sh_basis_gradient(float x, float y, float z, int count, const float* weights, float* gradient) {
  const float* w = weights;
  float gx = 0, gy = 0, gz = 0;
  if (count >= 4) {
    gy += -0.4886025119029199f * w[1];
    gz += 0.4886025119029199f * w[2];
    gx += -0.4886025119029199f * w[3];
  }
  if (count >= 9) {
    gx += 1.0925484305920792f * (y * w[4] - z * w[7]) + 2 * x * (-0.31539156525252005f * w[6] + 0.5462742152960396f * w[8]);
    gy += 1.0925484305920792f * (x * w[4] - z * w[5]) + 2 * y * (-0.31539156525252005f * w[6] - 0.5462742152960396f * w[8]);
    gz += 1.0925484305920792f * (-y * w[5] - x * w[7]) + 4 * 0.31539156525252005f * z * w[6];
  }
  if (count >= 16) {
    const float xx = x * x, yy = y * y, zz = z * z;
    gx += -0.5900435899266435f * (6 * x * y * w[9] + 3 * (xx - yy) * w[15]) + 2.890611442640554f * y * z * w[10] +
          0.4570457994644658f * (2 * x * y * w[11] - (4 * zz - 3 * xx - yy) * w[13]) - 0.3731763325901154f * 6 * x * z * w[12] +
          1.445305721320277f * 2 * x * z * w[14];
    gy += -0.5900435899266435f * (3 * (xx - yy) * w[9] - 6 * x * y * w[15]) + 2.890611442640554f * x * z * w[10] +
          0.4570457994644658f * (2 * x * y * w[13] - (4 * zz - xx - 3 * yy) * w[11]) - 0.3731763325901154f * 6 * y * z * w[12] -
          1.445305721320277f * 2 * y * z * w[14];
    gz += 2.890611442640554f * x * y * w[10] - 0.4570457994644658f * 8 * z * (y * w[11] + x * w[13]) +
          0.3731763325901154f * (6 * zz - 3 * xx - 3 * yy) * w[12] + 1.445305721320277f * (xx - yy) * w[14];
  }
  gradient[0] = gx;
  gradient[1] = gy;
  gradient[2] = gz;
}

}  // namespace gsv3d::splat_cpu
