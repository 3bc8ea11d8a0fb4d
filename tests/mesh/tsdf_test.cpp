// Fusion of exact depth images of a sphere, against the goldens' bounds.
#include "mesh/tsdf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "goldens.h"
#include "mesh/marching_cubes.h"

namespace gsv3d {
namespace {

struct Sphere {
  Vector3 centre;
  float radius;
};

Sphere golden_sphere(const SafetensorsFile& file) {
  const auto centre = testing::golden_metadata(file, "centre").get<std::vector<float>>();
  return {{centre[0], centre[1], centre[2]}, testing::golden_metadata(file, "radius").get<float>()};
}

/// What the reference measured for an orbit with a grid of so many corners a side.
struct GoldenFusion {
  int64_t side;
  double half_width, voxel, truncation, bound_mean_accuracy;
};
std::vector<GoldenFusion> golden_fusions(const SafetensorsFile& file, const std::string& orbit) {
  std::vector<GoldenFusion> fusions;
  const Json all = testing::golden_metadata(file, "tsdf");
  for (const auto& [name, measured] : all.items()) {
    if (!name.starts_with(orbit + "/")) continue;
    const int64_t side = std::stoll(name.substr(orbit.size() + 1));
    const auto voxel = measured.at("voxel").get<double>();
    fusions.push_back({side, voxel * static_cast<double>(side - 1) / 2, voxel, measured.at("truncation").get<double>(),
                       measured.at("bound_mean_accuracy").get<double>()});
  }
  return fusions;
}

DepthViews golden_views(const SafetensorsFile& file, const std::string& orbit) {
  DepthViews views;
  views.depth = file.tensor(orbit + "/depth").contiguous();
  const int64_t count = views.depth.size(0);
  views.cameras = {file.tensor(orbit + "/viewmats").contiguous(), file.tensor(orbit + "/K").unsqueeze(0).repeat({count, 1, 1}),
                   views.depth.size(2), views.depth.size(1)};
  return views;
}

/// Mean distance of the surface from the sphere, by area.
double mean_error(const Mesh& mesh, const Sphere& sphere) {
  double sum = 0;
  for (const auto& [a, b, c] : mesh.triangles) {
    const Vector3 p = mesh.positions[a], q = mesh.positions[b], r = mesh.positions[c];
    const double area = 0.5 * length(cross(q - p, r - p));
    sum += area * std::abs(length((p + q + r) * (1.0F / 3) - sphere.centre) - sphere.radius);
  }
  return sum / surface_area(mesh);
}

Mesh fused(const DepthViews& views, const GoldenFusion& fusion, bool interpolate) {
  const auto half = static_cast<float>(fusion.half_width);
  ScalarGrid grid = make_grid({{-half, -half, -half}, {half, half, half}}, fusion.side);
  EXPECT_NEAR(grid.spacing, fusion.voxel, 1e-6);
  fuse_depth(grid, views, {.truncation = fusion.truncation, .interpolate = interpolate});
  return marching_cubes(grid);
}

TEST(TsdfGolden, SphereFromADynamicOrbit) {
  GSV3D_GOLDEN_OR_SKIP(path, "mesh/sphere_depth_orbits.safetensors");
  const SafetensorsFile file(path);
  const Sphere sphere = golden_sphere(file);
  const DepthViews views = golden_views(file, "dynamic");
  const std::vector<GoldenFusion> fusions = golden_fusions(file, "dynamic");
  EXPECT_FALSE(fusions.empty());
  const double volume = 4.0 / 3 * std::numbers::pi * std::pow(sphere.radius, 3);
  for (const GoldenFusion& fusion : fusions) {
    const Mesh plain = fused(views, fusion, false), smooth = fused(views, fusion, true);
    EXPECT_LE(mean_error(plain, sphere), fusion.bound_mean_accuracy) << fusion.side;
    EXPECT_LE(mean_error(smooth, sphere), mean_error(plain, sphere)) << fusion.side;  // depth between pixels may only help
    const Topology found = topology(plain);
    EXPECT_TRUE(found.closed()) << found.boundary_edges << " open, " << found.bad_edges << " bad, at " << fusion.side;
    EXPECT_EQ(found.euler, 2) << fusion.side;
    EXPECT_GT(signed_volume(plain), 0.9432 * volume) << fusion.side;
  }
}

TEST(TsdfGolden, SphereFromAFlatOrbit) {
  GSV3D_GOLDEN_OR_SKIP(path, "mesh/sphere_depth_orbits.safetensors");
  const SafetensorsFile file(path);
  const DepthViews views = golden_views(file, "static");
  const std::vector<GoldenFusion> fusions = golden_fusions(file, "static");
  EXPECT_FALSE(fusions.empty());
  for (const GoldenFusion& fusion : fusions)
    EXPECT_LE(mean_error(fused(views, fusion, false), golden_sphere(file)), fusion.bound_mean_accuracy) << fusion.side;
}

/// One camera at (0, 0, 2) that looks at a wall in the plane z = 0.
DepthViews wall(float weight) {
  return {at::full({1, 32, 32}, 2.0F), at::full({1, 32, 32}, weight), look_at_cameras({0}, {0}, 32)};
}

TEST(Tsdf, DistancesAreInUnitsOfTheTruncation) {
  ScalarGrid grid = make_grid({{-0.2F, -0.2F, -0.2F}, {0.2F, 0.2F, 0.2F}}, 9);  // spacing 0.05
  fuse_depth(grid, wall(1), {.truncation = 0.1});
  EXPECT_NEAR(grid.at(4, 4, 4), 0, 1e-5);
  EXPECT_NEAR(grid.at(4, 4, 5), 0.5, 1e-5);
  EXPECT_NEAR(grid.at(4, 4, 3), -0.5, 1e-5);
  EXPECT_EQ(grid.at(4, 4, 8), 1);   // in front, cut
  EXPECT_EQ(grid.at(4, 4, 0), -1);  // too far behind: unseen, inside
}

TEST(Tsdf, WeightsAndBackground) {
  // Two views: the wall with weight 3 and an empty one with weight 1.
  DepthViews views = wall(3);
  views.depth = at::cat({views.depth, at::zeros({1, 32, 32})});
  views.weight = at::cat({views.weight, at::ones({1, 32, 32})});
  views.cameras = concatenate({views.cameras, views.cameras});
  ScalarGrid grid = make_grid({{-0.2F, -0.2F, -0.2F}, {0.2F, 0.2F, 0.2F}}, 9);
  fuse_depth(grid, views, {.truncation = 0.1});
  EXPECT_NEAR(grid.at(4, 4, 3), (3 * -0.5 + 1) / 4, 1e-5);
  EXPECT_EQ(grid.at(4, 4, 0), 1);  // only the empty view has a say there
}

TEST(Tsdf, ShapesAreChecked) {
  ScalarGrid grid = make_grid({{-1, -1, -1}, {1, 1, 1}}, 8);
  DepthViews views = wall(1);
  views.depth = at::ones({1, 16, 32});
  EXPECT_THROW(fuse_depth(grid, views), Error);
  views = wall(1);
  views.weight = at::ones({2, 32, 32});
  EXPECT_THROW(fuse_depth(grid, views), Error);
}

}  // namespace
}  // namespace gsv3d
