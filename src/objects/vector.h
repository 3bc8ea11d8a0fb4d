// The little vector arithmetic that meshes and rays need.
#pragma once

#include <array>
#include <cmath>

namespace gsv3d {

using Vector = std::array<float, 3>;

inline Vector subtract(const Vector& a, const Vector& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
inline Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline float dot(const Vector& a, const Vector& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
inline float length(const Vector& a) {
  return std::sqrt(dot(a, a));
}
using Matrix3 = std::array<float, 9>;  ///< row-major

inline Vector multiply(const Matrix3& m, const Vector& v) {
  return {m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
          m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}
/// Takes normals where the matrix takes positions, up to a factor: the inverse transpose times the determinant.
inline Matrix3 cofactors(const Matrix3& m) {
  return {m[4] * m[8] - m[5] * m[7], m[5] * m[6] - m[3] * m[8], m[3] * m[7] - m[4] * m[6],
          m[2] * m[7] - m[1] * m[8], m[0] * m[8] - m[2] * m[6], m[1] * m[6] - m[0] * m[7],
          m[1] * m[5] - m[2] * m[4], m[2] * m[3] - m[0] * m[5], m[0] * m[4] - m[1] * m[3]};
}
/// Length 1; +Z for a vector without a length.
inline Vector unit(const Vector& a) {
  const float size = length(a);
  return size > 0 ? Vector{a[0] / size, a[1] / size, a[2] / size} : Vector{0, 0, 1};
}

}  // namespace gsv3d
