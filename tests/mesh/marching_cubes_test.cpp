// Marching cubes: the golden fields, and closedness for fields without any regularity.
#include "mesh/marching_cubes.h"

#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "goldens.h"

namespace gsv3d {
namespace {

ScalarGrid golden_grid(const SafetensorsFile& file, const std::string& name) {
  const Tensor coords = file.tensor("grid_coords").contiguous(), sdf = file.tensor(name).contiguous();
  ScalarGrid grid;
  grid.size = {sdf.size(0), sdf.size(1), sdf.size(2)};
  const float first = coords[0].item<float>(), last = coords[-1].item<float>();
  grid.origin = {first, first, first};
  grid.spacing = (last - first) / static_cast<float>(sdf.size(0) - 1);
  grid.values.assign(sdf.data_ptr<float>(), sdf.data_ptr<float>() + sdf.numel());
  return grid;
}

ScalarGrid random_grid(int64_t side, uint64_t seed) {
  ScalarGrid grid;
  grid.size = {side, side, side};
  const Tensor noise = randn({side, side, side}, make_generator(seed)).contiguous();
  grid.values.assign(noise.data_ptr<float>(), noise.data_ptr<float>() + noise.numel());
  return grid;
}

/// Area, volume and Euler characteristic against the analytic solid; the goldens' limits.
void expect_solid(const Mesh& mesh, const Tensor& area_volume, int64_t euler) {
  const double area = area_volume[0].item<double>(), volume = area_volume[1].item<double>();
  EXPECT_NEAR(surface_area(mesh) / area, 1, 0.01);
  EXPECT_NEAR(signed_volume(mesh) / volume, 1, 0.01);  // positive: triangles face outward
  const Topology found = topology(mesh);
  EXPECT_TRUE(found.closed()) << found.boundary_edges << " open, " << found.bad_edges << " bad";
  EXPECT_EQ(found.euler, euler);
  EXPECT_EQ(found.components, 1);
  EXPECT_EQ(found.vertices, static_cast<int64_t>(mesh.positions.size()));
}

TEST(MarchingCubesGolden, Sphere) {
  GSV3D_GOLDEN_OR_SKIP(path, "mesh/sdf_grids.safetensors");
  const SafetensorsFile file(path);
  const ScalarGrid grid = golden_grid(file, "sphere/sdf");
  const Mesh mesh = marching_cubes(grid);
  expect_solid(mesh, file.tensor("sphere/analytic_area_volume"), testing::golden_metadata(file, "sphere").at("euler"));
  float worst = 0;
  const Json sphere = testing::golden_metadata(file, "sphere");
  const auto centre = sphere.at("centre").get<std::vector<float>>();
  const auto radius = sphere.at("radius").get<float>();
  for (const Vector3& p : mesh.positions)
    worst = std::max(worst, std::abs(length(p - Vector3{centre[0], centre[1], centre[2]}) - radius));
  EXPECT_LE(worst / grid.spacing, 0.05);
}

TEST(MarchingCubesGolden, Torus) {
  GSV3D_GOLDEN_OR_SKIP(path, "mesh/sdf_grids.safetensors");
  const SafetensorsFile file(path);
  const ScalarGrid grid = golden_grid(file, "torus/sdf");
  const Mesh mesh = marching_cubes(grid);
  expect_solid(mesh, file.tensor("torus/analytic_area_volume"), testing::golden_metadata(file, "torus").at("euler"));
  float worst = 0;
  const Json torus = testing::golden_metadata(file, "torus");
  const auto large = torus.at("R").get<float>(), small = torus.at("r").get<float>();
  for (const Vector3& p : mesh.positions) {
    const float ring = std::hypot(p.x, p.z) - large;
    worst = std::max(worst, std::abs(std::hypot(ring, p.y) - small));
  }
  EXPECT_LE(worst / grid.spacing, 0.05);
}

TEST(MarchingCubes, EveryPatternIsCut) {
  const MarchingCubesTables tables;
  for (int pattern = 1; pattern < 255; ++pattern) {
    std::set<uint8_t> used, crossed;
    for (const auto& triangle : tables.triangles[pattern]) used.insert(triangle.begin(), triangle.end());
    for (uint8_t edge = 0; edge < 12; ++edge)
      if ((pattern >> tables.edges[edge][0] & 1) != (pattern >> tables.edges[edge][1] & 1)) crossed.insert(edge);
    EXPECT_EQ(used, crossed) << "pattern " << pattern;
  }
  EXPECT_TRUE(tables.triangles[0].empty() && tables.triangles[255].empty());
}

TEST(MarchingCubes, NoiseGivesAClosedSurface) {
  // Noise holds every pattern of corners beside every other one.
  for (uint64_t seed = 0; seed < 5; ++seed) {
    ScalarGrid grid = random_grid(24, seed);
    close_grid(grid);
    const Topology found = topology(marching_cubes(grid));
    EXPECT_GT(found.edges, 10000);
    EXPECT_TRUE(found.closed()) << found.boundary_edges << " open, " << found.bad_edges << " bad";
  }
}

TEST(MarchingCubes, OpenWhereTheGridEnds) {
  const Topology found = topology(marching_cubes(random_grid(8, 1)));
  EXPECT_GT(found.boundary_edges, 0);
  EXPECT_EQ(found.bad_edges, 0);
}

TEST(MarchingCubes, SamplesThatAreZeroLeaveNoFlatTriangles) {
  ScalarGrid grid;
  grid.size = {5, 5, 5};
  grid.values.assign(125, 0);
  grid.at(2, 2, 2) = -1;
  const Mesh mesh = marching_cubes(grid);
  EXPECT_EQ(mesh.triangles.size(), 8U);
  EXPECT_TRUE(topology(mesh).closed());
  EXPECT_GT(surface_area(mesh), 0.5);
}

TEST(ScalarGrid, PocketsAreFilledAndTheBorderIsOutside) {
  ScalarGrid grid;
  grid.size = {7, 6, 5};
  grid.values.assign(7 * 6 * 5, -1);
  grid.at(3, 3, 2) = 0.5;  // a pocket
  close_grid(grid);
  EXPECT_EQ(grid.at(3, 3, 2), -1);
  EXPECT_EQ(grid.at(0, 3, 2), 1);
  EXPECT_EQ(grid.at(3, 3, 4), 1);
  const Topology found = topology(marching_cubes(grid));
  EXPECT_TRUE(found.closed());
  EXPECT_EQ(found.euler, 2);
}

TEST(ScalarGrid, SizesFollowTheBox) {
  const ScalarGrid grid = make_grid({{-1, 0, 0}, {1, 1, 0.1F}}, 41);
  EXPECT_EQ(grid.size, (std::array<int64_t, 3>{41, 21, 4}));
  EXPECT_FLOAT_EQ(grid.spacing, 0.05F);
  EXPECT_THROW(make_grid({{0, 0, 0}, {1, 1, 1}}, 513), Error);
  EXPECT_THROW(make_grid({{0, 0, 0}, {0, 0, 0}}, 32), Error);
  EXPECT_THROW(make_grid({}, 32), Error);
}

}  // namespace
}  // namespace gsv3d
