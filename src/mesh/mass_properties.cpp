#include "mesh/mass_properties.h"

#include "core/error.h"

namespace gsv3d {
namespace {

using Point = std::array<double, 3>;

/// Integrals over the solid, about an origin inside its box so that nothing cancels: 1, x, y, z, x², y², z², xy, xz, yz.
using Moments = std::array<double, 10>;

/// Adds the tetrahedron from the origin to a triangle, with its sign. The integral of p_i p_j over a tetrahedron of volume V with
/// one corner at the origin is V / 20 (s_i s_j + Σ p_i p_j), s the sum of the other corners.
void add_tetrahedron(Moments& moments, const std::array<Point, 3>& p) {
  const auto& [a, b, c] = p;
  const double volume =
      (a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])) / 6;
  moments[0] += volume;
  const Point sum = {a[0] + b[0] + c[0], a[1] + b[1] + c[1], a[2] + b[2] + c[2]};
  for (int i = 0; i < 3; ++i) moments[1 + i] += volume / 4 * sum[i];
  constexpr std::array<std::array<int, 2>, 6> kPairs = {{{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}}};
  for (int k = 0; k < 6; ++k) {
    const auto [i, j] = kPairs[k];
    moments[4 + k] += volume / 20 * (sum[i] * sum[j] + a[i] * a[j] + b[i] * b[j] + c[i] * c[j]);
  }
}

}  // namespace

MassProperties mass_properties(const Mesh& mesh, double density) {
  require(density > 0, "mesh: a density of {} is not positive", density);
  require(topology(weld(mesh)).closed(), "mesh: the surface has holes, so it has no volume and no mass");
  const Vector3 middle = bounding_box(mesh).center();
  Moments m{};
  for (const Mesh::Triangle& triangle : mesh.triangles) {
    std::array<Point, 3> p;
    for (int i = 0; i < 3; ++i) {
      const Vector3& v = mesh.positions[triangle[i]];
      p[i] = {double{v.x} - double{middle.x}, double{v.y} - double{middle.y}, double{v.z} - double{middle.z}};
    }
    add_tetrahedron(m, p);
  }
  require(m[0] > 0, "mesh: the volume is not positive; the triangles face inward");
  MassProperties result;
  result.volume = m[0];
  result.mass = density * m[0];
  const Point c = {m[1] / m[0], m[2] / m[0], m[3] / m[0]};
  result.center = {double{middle.x} + c[0], double{middle.y} + c[1], double{middle.z} + c[2]};
  // Steiner: from the box's middle to the centre of mass.
  const double xx = m[4] - m[0] * c[0] * c[0], yy = m[5] - m[0] * c[1] * c[1], zz = m[6] - m[0] * c[2] * c[2];
  result.inertia = {density * (yy + zz),
                    density * (xx + zz),
                    density * (xx + yy),
                    -density * (m[7] - m[0] * c[0] * c[1]),
                    -density * (m[8] - m[0] * c[0] * c[2]),
                    -density * (m[9] - m[0] * c[1] * c[2])};
  return result;
}

}  // namespace gsv3d
