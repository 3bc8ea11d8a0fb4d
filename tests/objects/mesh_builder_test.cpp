#include "objects/mesh_builder.h"

#include "memory_files.h"
#include "objects/polygon.h"

namespace gsv3d {
namespace {

/// A prism along z with `sides` side faces as quads, every second one wound the other way round.
MeshBuilder prism(int sides) {
  MeshBuilder builder;
  for (int i = 0; i < sides; ++i)
    for (float z : {-1.0F, 1.0F}) {
      const float angle = 2 * 3.14159265F * static_cast<float>(i) / static_cast<float>(sides);
      builder.positions.push_back({std::cos(angle), std::sin(angle), z});
    }
  for (int i = 0; i < sides; ++i) {
    const int next = (i + 1) % sides;
    std::vector<Corner> corners = {{2 * i, -1, -1}, {2 * next, -1, -1}, {2 * next + 1, -1, -1}, {2 * i + 1, -1, -1}};
    if (i % 2) std::reverse(corners.begin(), corners.end());
    builder.add_polygon(corners, 0);
  }
  return builder;
}

/// The largest angle in degrees between a vertex normal and the radial direction, up to sign.
double largest_tilt(const Object& object) {
  double worst = 0;
  for (size_t i = 0; i < object.positions.size(); ++i) {
    const double along = std::abs(object.normals[i][0] * object.positions[i][0] + object.normals[i][1] * object.positions[i][1]);
    worst = std::max(worst, std::acos(std::min(1.0, along)) * 180 / 3.14159265);
  }
  return worst;
}

TEST(MeshBuilder, RoundShapesAreSmoothWhateverTheWinding) {
  // 24 sides meet at 15 degrees: below the crease angle. Each quad is two triangles, so the area weights tilt by a third of 7.5
  // degrees.
  EXPECT_LT(largest_tilt(prism(24).build(40)), 4);
}

TEST(MeshBuilder, EdgesStaySharp) {
  // 4 sides meet at 90 degrees: each corner keeps its face's normal, 45 degrees off the radial direction.
  const Object object = prism(4).build(40);
  EXPECT_NEAR(largest_tilt(object), 45, 0.1);
  EXPECT_EQ(object.triangles.size(), 8U);
}

TEST(MeshBuilder, GivenNormalsAreKeptAndNormalised) {
  MeshBuilder builder;
  builder.positions = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
  builder.normals = {{0, 3, 4}, {0, 0, 0}};
  builder.add_polygon(std::vector<Corner>{{0, -1, 0}, {1, -1, 0}, {2, -1, 1}}, 0);
  const Object object = builder.build();
  EXPECT_NEAR(object.normals[0][1], 0.6, 1e-6);
  EXPECT_NEAR(std::abs(object.normals[2][2]), 1, 1e-6) << "a zero normal is made anew";
}

double covered(const std::vector<std::array<float, 3>>& points) {
  double sum = 0;
  for (const auto& [a, b, c] : triangulate(points)) {
    const double doubled = (points[b][0] - points[a][0]) * (points[c][2] - points[a][2]) -
                           (points[b][2] - points[a][2]) * (points[c][0] - points[a][0]);
    sum += std::abs(doubled) / 2;
  }
  return sum;
}

TEST(Triangulate, StarInTheXzPlane) {
  std::vector<std::array<float, 3>> star;
  double expected = 0;
  for (int i = 0; i < 10; ++i) {
    const double radius = i % 2 ? 0.4 : 1, angle = 0.628318530718 * i;
    star.push_back({static_cast<float>(radius * std::cos(angle)), 5, static_cast<float>(radius * std::sin(angle))});
    expected += 0.5 * 0.4 * std::sin(0.628318530718);
  }
  EXPECT_EQ(triangulate(star).size(), 8U);
  EXPECT_NEAR(covered(star), expected, 1e-5);
  std::reverse(star.begin(), star.end());
  EXPECT_NEAR(covered(star), expected, 1e-5);
}

TEST(Triangulate, DegeneratePolygonsEnd) {
  EXPECT_EQ(triangulate(std::vector<std::array<float, 3>>(9, {1, 2, 3})).size(), 7U);
  EXPECT_EQ(triangulate(std::vector<std::array<float, 3>>(5000)).size(), 4998U);
  EXPECT_TRUE(triangulate(std::vector<std::array<float, 3>>(2)).empty());
}

TEST(NormalizeObject, FitsCubeAndSphere) {
  Object slab = testing::rectangle(30, 7, {});  // 60 x 60 in one plane
  slab.positions.push_back({1000, 0, 0});       // used by nothing
  slab.normals.push_back({0, 0, 1});
  slab.uvs.push_back({0, 0});
  normalize_object(slab);
  ASSERT_EQ(slab.positions.size(), 4U);
  // The diagonal decides: 0.57 / (30 √2) = 0.013435, so that a corner is at 0.40305.
  EXPECT_NEAR(slab.positions[2][0], 0.57 / std::sqrt(2.0), 1e-5);
  EXPECT_NEAR(slab.positions[2][2], 0, 1e-6);

  Object rod = testing::rectangle(1, 0, {});
  transform_object(rod, {0.01F, 0, 0, 0, 4, 0, 0, 0, 1});
  normalize_object(rod);
  EXPECT_NEAR(rod.positions[2][1], 0.5, 1e-5) << "the longest side decides";
}

TEST(NormalizeObject, PointsAndBrokenMatricesAreErrors) {
  Object point = testing::rectangle(0, 0, {});
  EXPECT_THROW(normalize_object(point), Error);
  Object object = testing::rectangle(1, 0, {});
  EXPECT_THROW(transform_object(object, {1, 0, 0, 2, 0, 0, 0, 0, 1}), Error);
}

TEST(TransformObject, TurnsPositionsAndNormals) {
  Object object = testing::rectangle(1, 2, {});
  transform_object(object, {0, 0, 1, 0, 1, 0, -1, 0, 0});  // +Z to +X
  EXPECT_NEAR(object.positions[0][0], 2, 1e-6);
  EXPECT_NEAR(object.normals[0][0], 1, 1e-6);
}

}  // namespace
}  // namespace gsv3d
