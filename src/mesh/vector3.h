// Three floats with the few operations that geometry needs.
#pragma once

#include <algorithm>
#include <cmath>

namespace gsv3d {

struct Vector3 {
  float x = 0, y = 0, z = 0;
  bool operator==(const Vector3&) const = default;
};

struct Vector2 {
  float x = 0, y = 0;
  bool operator==(const Vector2&) const = default;
};

inline Vector3 operator+(Vector3 a, Vector3 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
inline Vector3 operator-(Vector3 a, Vector3 b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
inline Vector3 operator*(Vector3 a, float s) {
  return {a.x * s, a.y * s, a.z * s};
}
inline float dot(Vector3 a, Vector3 b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline Vector3 cross(Vector3 a, Vector3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vector3 a) {
  return std::sqrt(dot(a, a));
}
/// The unit vector in this direction; `fallback` where there is none.
inline Vector3 normalized(Vector3 a, Vector3 fallback = {0, 1, 0}) {
  const float size = length(a);
  return size > 1e-30F ? a * (1 / size) : fallback;
}

/// An axis-aligned box; empty until something is added.
struct Box {
  Vector3 low = {1e30F, 1e30F, 1e30F}, high = {-1e30F, -1e30F, -1e30F};

  void add(Vector3 p) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
  }
  bool empty() const { return low.x > high.x; }
  Vector3 center() const { return (low + high) * 0.5F; }
  Vector3 size() const { return high - low; }
  float longest_side() const { return std::max({high.x - low.x, high.y - low.y, high.z - low.z}); }
};

/// Touching counts.
inline bool boxes_meet(const Box& a, const Box& b) {
  return a.low.x <= b.high.x && b.low.x <= a.high.x && a.low.y <= b.high.y && b.low.y <= a.high.y && a.low.z <= b.high.z &&
         b.low.z <= a.high.z;
}

}  // namespace gsv3d
