// The squared distances of a point from a set of planes, as one symmetric form (Garland and Heckbert 1997).
#pragma once

#include <optional>

#include "mesh/vector3.h"

namespace gsv3d {

/// xᵀ A x + 2 bᵀ x + c in float64.
struct Quadric {
  double xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0, bx = 0, by = 0, bz = 0, c = 0;

  /// Adds weight · (distance from the plane through `point` with the unit normal)².
  void add_plane(Vector3 normal, Vector3 point, double weight) {
    const double x = normal.x, y = normal.y, z = normal.z, d = -(x * point.x + y * point.y + z * point.z);
    add_form(x, y, z, d, weight);
  }
  /// Adds weight · |p - point|².
  void add_point(Vector3 point, double weight) {
    add_form(1, 0, 0, -double{point.x}, weight);
    add_form(0, 1, 0, -double{point.y}, weight);
    add_form(0, 0, 1, -double{point.z}, weight);
  }
  Quadric& operator+=(const Quadric& o) {
    xx += o.xx, xy += o.xy, xz += o.xz, yy += o.yy, yz += o.yz, zz += o.zz, bx += o.bx, by += o.by, bz += o.bz, c += o.c;
    return *this;
  }
  double trace() const { return xx + yy + zz; }
  double at(Vector3 p) const {
    const double x = p.x, y = p.y, z = p.z;
    return x * (xx * x + 2 * (xy * y + xz * z + bx)) + y * (yy * y + 2 * (yz * z + by)) + z * (zz * z + 2 * bz) + c;
  }
  /// Where it is least; nothing when A is singular.
  std::optional<Vector3> minimum() const {
    const double a = yy * zz - yz * yz, b = xz * yz - xy * zz, d = xy * yz - xz * yy;
    const double determinant = xx * a + xy * b + xz * d;
    if (!(std::abs(determinant) > 1e-15 * std::pow(trace(), 3))) return std::nullopt;
    const double e = xx * zz - xz * xz, f = xy * xz - xx * yz, g = xx * yy - xy * xy, scale = -1 / determinant;
    return Vector3{static_cast<float>(scale * (a * bx + b * by + d * bz)), static_cast<float>(scale * (b * bx + e * by + f * bz)),
                   static_cast<float>(scale * (d * bx + f * by + g * bz))};
  }

 private:
  void add_form(double x, double y, double z, double d, double weight) {
    xx += weight * x * x, xy += weight * x * y, xz += weight * x * z, yy += weight * y * y, yz += weight * y * z;
    zz += weight * z * z, bx += weight * x * d, by += weight * y * d, bz += weight * z * d, c += weight * d * d;
  }
};

}  // namespace gsv3d
