// Repairs: what must hold afterwards, on surfaces that were damaged on purpose.
#include "mesh/clean.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "mesh/marching_cubes.h"

namespace gsv3d {
namespace {

/// Balls of these centres and radii.
Mesh balls(const std::vector<std::pair<Vector3, float>>& list, int64_t side = 40) {
  ScalarGrid grid = make_grid({{-1, -1, -1}, {1, 1, 1}}, side);
  for (int64_t x = 0; x < side; ++x)
    for (int64_t y = 0; y < side; ++y)
      for (int64_t z = 0; z < side; ++z) {
        const Vector3 p = grid.origin + Vector3{float(x), float(y), float(z)} * grid.spacing;
        float distance = 1e9F;
        for (const auto& [center, radius] : list) distance = std::min(distance, length(p - center) - radius);
        grid.at(x, y, z) = distance;
      }
  return marching_cubes(grid);
}

TEST(Clean, FloatersGoAndLargePiecesStay) {
  const std::vector<std::pair<Vector3, float>> list = {{{-0.3F, 0, 0}, 0.5F}, {{0.6F, 0, 0}, 0.3F}, {{0, 0.8F, 0}, 0.07F}};
  Mesh mesh = balls(list);
  EXPECT_EQ(topology(mesh).components, 3);
  remove_floaters(mesh, 0.05);
  EXPECT_EQ(topology(mesh).components, 2);
  remove_floaters(mesh, 1);
  EXPECT_EQ(topology(mesh).components, 1);
  EXPECT_NEAR(signed_volume(mesh), 4.0 / 3 * 3.14159265 * 0.125, 0.01);
}

TEST(Clean, HolesAreClosed) {
  Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  const double volume = signed_volume(mesh);
  for (size_t i = 0; i < mesh.triangles.size(); i += 7) mesh.triangles[i] = mesh.triangles.back(), mesh.triangles.pop_back();
  mesh.triangles.push_back(mesh.triangles[5]);                                                    // twice
  mesh.triangles.push_back({mesh.triangles[9][0], mesh.triangles[9][1], mesh.triangles[40][2]});  // a fin
  mesh.triangles.push_back({3, 3, 4});                                                            // flat
  EXPECT_FALSE(topology(mesh).closed());
  EXPECT_GT(close_holes(mesh), 10);
  const Topology found = topology(mesh);
  EXPECT_TRUE(found.closed()) << found.boundary_edges << " open, " << found.bad_edges << " bad";
  EXPECT_NEAR(signed_volume(mesh) / volume, 1, 0.05);
  EXPECT_EQ(close_holes(mesh), 0);
}

TEST(Clean, SmoothingFlattensBumpsAndKeepsTheVolume) {
  Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  const double volume = signed_volume(mesh);
  const Tensor noise = 0.02 * randn({static_cast<int64_t>(mesh.positions.size())}, make_generator(1));
  const auto roughness = [&] {
    double sum = 0;
    for (const Vector3& p : mesh.positions) sum += std::pow(length(p) - 0.8, 2);
    return std::sqrt(sum / static_cast<double>(mesh.positions.size()));
  };
  for (size_t i = 0; i < mesh.positions.size(); ++i) mesh.positions[i] = mesh.positions[i] * (1 + noise.data_ptr<float>()[i]);
  const double before = roughness();
  smooth(mesh, 5);
  EXPECT_LT(roughness(), 0.5 * before);
  EXPECT_NEAR(signed_volume(mesh) / volume, 1, 0.01);
}

TEST(Clean, SimplificationKeepsTheShape) {
  if (!has_mesh_libraries()) GTEST_SKIP() << "built without GSV3D_WITH_MESH_LIBRARIES";
  Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  const double volume = signed_volume(mesh);
  simplify(mesh, 1000);
  EXPECT_LE(mesh.triangles.size(), 1000U);
  EXPECT_GT(mesh.triangles.size(), 900U);
  EXPECT_NEAR(signed_volume(mesh) / volume, 1, 0.02);
  EXPECT_EQ(topology(mesh).vertices, static_cast<int64_t>(mesh.positions.size()));
}

TEST(Mesh, NormalsOfABallPointOutward) {
  const Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  const std::vector<Vector3> normals = vertex_normals(mesh);
  float worst = 1;
  for (size_t i = 0; i < normals.size(); ++i) worst = std::min(worst, dot(normals[i], normalized(mesh.positions[i])));
  EXPECT_GT(worst, 0.98);
}

TEST(Mesh, WeldingJoinsEqualPositions) {
  Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  const Topology before = topology(mesh);
  Mesh soup;
  for (const Mesh::Triangle& triangle : mesh.triangles) {
    const auto first = static_cast<uint32_t>(soup.positions.size());
    for (const uint32_t vertex : triangle) soup.positions.push_back(mesh.positions[vertex]);
    soup.triangles.push_back({first, first + 1, first + 2});
  }
  EXPECT_FALSE(topology(soup).closed());
  const Topology after = topology(weld(soup));
  EXPECT_EQ(after.vertices, before.vertices);
  EXPECT_TRUE(after.closed());
}

}  // namespace
}  // namespace gsv3d
