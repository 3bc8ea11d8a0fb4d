// Masses, centres and inertia tensors of solids whose formulas are known.
#include "mesh/mass_properties.h"

#include <gtest/gtest.h>

#include <numbers>

#include "core/error.h"

namespace gsv3d {
namespace {

/// An axis-aligned box, its triangles facing outward.
Mesh box_mesh(Vector3 low, Vector3 high) {
  Mesh mesh;
  for (int i = 0; i < 8; ++i) mesh.positions.push_back({i & 1 ? high.x : low.x, i & 2 ? high.y : low.y, i & 4 ? high.z : low.z});
  mesh.triangles = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6}, {0, 1, 5}, {0, 5, 4},
                    {2, 6, 7}, {2, 7, 3}, {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
  return mesh;
}

TEST(MassProperties, OfABoxFarFromTheOrigin) {
  const MassProperties found = mass_properties(box_mesh({9.5F, -4, 7.75F}, {10.5F, -2, 8.25F}), 1000);
  EXPECT_NEAR(found.volume, 1, 1e-12);
  EXPECT_NEAR(found.mass, 1000, 1e-9);
  const std::array<double, 3> center = {10, -3, 8};
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(found.center[i], center[i], 1e-9);
  // m / 12 (b² + c²)
  const std::array<double, 6> inertia = {1000.0 / 12 * 4.25, 1000.0 / 12 * 1.25, 1000.0 / 12 * 5, 0, 0, 0};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(found.inertia[i], inertia[i], 1e-6) << i;
}

TEST(MassProperties, OffDiagonalsOfATurnedBox) {
  Mesh mesh = box_mesh({-1, -0.5F, -0.25F}, {1, 0.5F, 0.25F});
  const double c = std::cos(0.5), s = std::sin(0.5);  // about z
  for (Vector3& p : mesh.positions) p = {static_cast<float>(c * p.x - s * p.y), static_cast<float>(s * p.x + c * p.y), p.z};
  const MassProperties found = mass_properties(mesh, 2);
  const double x = 2.0 / 12 * 1.25, y = 2.0 / 12 * 4.25, z = 2.0 / 12 * 5;  // volume 1, mass 2
  EXPECT_NEAR(found.inertia[0], c * c * x + s * s * y, 1e-6);
  EXPECT_NEAR(found.inertia[1], s * s * x + c * c * y, 1e-6);
  EXPECT_NEAR(found.inertia[2], z, 1e-6);
  EXPECT_NEAR(found.inertia[3], c * s * (x - y), 1e-6);
  EXPECT_NEAR(found.inertia[4], 0, 1e-6);
  EXPECT_NEAR(found.inertia[5], 0, 1e-6);
}

/// A ball of triangles: an octahedron whose faces are cut into n² each and moved to the sphere.
Mesh ball_mesh(double radius, int n) {
  Mesh mesh;
  const auto corner = [&](double a, double b, double c, int signs) {
    const double size = radius / std::sqrt(a * a + b * b + c * c);
    mesh.positions.push_back({static_cast<float>((signs & 1 ? -a : a) * size), static_cast<float>((signs & 2 ? -b : b) * size),
                              static_cast<float>((signs & 4 ? -c : c) * size)});
    return static_cast<uint32_t>(mesh.positions.size() - 1);
  };
  for (int signs = 0; signs < 8; ++signs) {
    const bool turned = ((signs & 1) + (signs >> 1 & 1) + (signs >> 2 & 1)) % 2 == 1;
    const auto add = [&](std::array<std::array<int, 2>, 3> at) {
      Mesh::Triangle t;
      for (int i = 0; i < 3; ++i) t[i] = corner(n - at[i][0] - at[i][1], at[i][0], at[i][1], signs);
      if (turned) std::swap(t[1], t[2]);
      mesh.triangles.push_back(t);
    };
    for (int i = 0; i < n; ++i)
      for (int j = 0; i + j < n; ++j) {
        add({{{i, j}, {i + 1, j}, {i, j + 1}}});
        if (i + j + 1 < n) add({{{i + 1, j}, {i + 1, j + 1}, {i, j + 1}}});
      }
  }
  return mesh;
}

TEST(MassProperties, OfABall) {
  const double radius = 0.3;
  const MassProperties found = mass_properties(ball_mesh(radius, 64), 500);
  const double mass = 500 * 4.0 / 3 * std::numbers::pi * radius * radius * radius;
  EXPECT_NEAR(found.mass / mass, 1, 1e-3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(found.center[i], 0, 1e-6);
    EXPECT_NEAR(found.inertia[i] / (0.4 * mass * radius * radius), 1, 2e-3);
    EXPECT_NEAR(found.inertia[3 + i], 0, 1e-5);
  }
}

TEST(MassProperties, OnlyOfSolids) {
  Mesh open = box_mesh({0, 0, 0}, {1, 1, 1});
  open.triangles.pop_back();
  EXPECT_THROW(mass_properties(open, 1000), Error);
  Mesh inside_out = box_mesh({0, 0, 0}, {1, 1, 1});
  for (Mesh::Triangle& triangle : inside_out.triangles) std::swap(triangle[1], triangle[2]);
  EXPECT_THROW(mass_properties(inside_out, 1000), Error);
  EXPECT_THROW(mass_properties(box_mesh({0, 0, 0}, {1, 1, 1}), 0), Error);
}

}  // namespace
}  // namespace gsv3d
