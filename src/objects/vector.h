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
/// Length 1; +Z for a vector without a length.
inline Vector unit(const Vector& a) {
  const float size = length(a);
  return size > 0 ? Vector{a[0] / size, a[1] / size, a[2] / size} : Vector{0, 0, 1};
}

}  // namespace gsv3d
