// Cleaning and simplification: what must hold afterwards.
#include "mesh/clean.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "mesh/crossings.h"
#include "mesh/marching_cubes.h"
#include "mesh/simplify.h"

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

TEST(Clean, SmoothingMakesNothingCross) {
  // Two sheets, half a sample apart, with noise: smoothing alone would push them through each other.
  Mesh mesh = balls({{{-0.403F, 0, 0}, 0.4F}, {{0.403F, 0, 0}, 0.4F}}, 24);
  ASSERT_TRUE(crossing_pairs(mesh).empty());
  const std::vector<Vector3> before = mesh.positions;
  smooth(mesh, 30);
  EXPECT_TRUE(crossing_pairs(mesh).empty());
  EXPECT_NE(mesh.positions, before);
}

TEST(Simplify, ABallStaysABall) {
  Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  const double volume = signed_volume(mesh);
  simplify(mesh, 1000);
  EXPECT_LE(mesh.triangles.size(), 1000U);
  EXPECT_GT(mesh.triangles.size(), 990U);
  EXPECT_NEAR(signed_volume(mesh) / volume, 1, 0.01);
  const Topology found = topology(mesh);
  EXPECT_TRUE(found.manifold());
  EXPECT_EQ(found.euler, 2);
  EXPECT_EQ(found.vertices, static_cast<int64_t>(mesh.positions.size()));
  EXPECT_TRUE(crossing_pairs(mesh).empty());
}

TEST(Simplify, NoiseStaysAManifoldThatDoesNotCrossItself) {
  // Noise has thousands of tunnels and sheets one sample apart: every collapse that is not checked would show.
  ScalarGrid grid;
  grid.size = {20, 20, 20};
  const Tensor noise = randn({20, 20, 20}, make_generator(3)).contiguous();
  grid.values.assign(noise.data_ptr<float>(), noise.data_ptr<float>() + noise.numel());
  close_grid(grid);
  Mesh mesh = marching_cubes(grid);
  const Topology before = topology(mesh);
  ASSERT_TRUE(before.manifold());
  const size_t crossings = crossing_pairs(mesh).size();
  const size_t triangles = mesh.triangles.size();
  simplify(mesh, static_cast<int64_t>(triangles) / 2);
  const Topology after = topology(mesh);
  EXPECT_LT(mesh.triangles.size(), 9 * triangles / 10);
  EXPECT_TRUE(after.manifold()) << after.boundary_edges << " open, " << after.bad_edges << " and " << after.bad_vertices
                                << " bad";
  EXPECT_EQ(after.euler, before.euler);
  EXPECT_EQ(after.components, before.components);
  EXPECT_LE(crossing_pairs(mesh).size(), crossings);
}

TEST(Simplify, OpenSurfacesAreRefused) {
  Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  mesh.triangles.pop_back();
  EXPECT_THROW(simplify(mesh, 100), Error);
}

TEST(Mesh, NormalsOfABallPointOutward) {
  const Mesh mesh = balls({{{0, 0, 0}, 0.8F}});
  const std::vector<Vector3> normals = vertex_normals(mesh);
  float worst = 1;
  for (size_t i = 0; i < normals.size(); ++i) worst = std::min(worst, dot(normals[i], normalized(mesh.positions[i])));
  EXPECT_GT(worst, 0.98);
}

TEST(Mesh, TwoSolidsThatTouchInOneVertexAreNoManifold) {
  Mesh mesh;
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {-1, 0, 0}, {0, -1, 0}, {0, 0, -1}};
  mesh.triangles = {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}};
  EXPECT_TRUE(topology(mesh).manifold());
  mesh.triangles.insert(mesh.triangles.end(), {{0, 4, 5}, {0, 6, 4}, {0, 5, 6}, {4, 6, 5}});
  EXPECT_TRUE(topology(mesh).closed());
  EXPECT_EQ(topology(mesh).bad_vertices, 1);
  EXPECT_FALSE(topology(mesh).manifold());
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
