// Which triangles cross: cases known by hand.
#include "mesh/crossings.h"

#include <gtest/gtest.h>

namespace gsv3d {
namespace {

/// Whether the triangle (0,0,0) (2,0,0) (0,2,0) crosses another one.
bool crosses_floor(Vector3 a, Vector3 b, Vector3 c) {
  const std::vector<Vector3> positions = {{0, 0, 0}, {2, 0, 0}, {0, 2, 0}, a, b, c};
  const bool forward = triangles_cross(positions, {0, 1, 2}, {3, 4, 5});
  EXPECT_EQ(forward, triangles_cross(positions, {5, 4, 3}, {2, 0, 1}));
  return forward;
}

TEST(Crossings, WithoutSharedVertices) {
  EXPECT_TRUE(crosses_floor({0.5F, 0.5F, -1}, {0.6F, 0.5F, 1}, {0.5F, 0.6F, 1}));     // a spike through the middle
  EXPECT_TRUE(crosses_floor({1, -1, -1}, {1, 3, -1}, {1, 0.5F, 2}));                  // cut by an edge
  EXPECT_FALSE(crosses_floor({0.5F, 0.5F, 0.1F}, {0.6F, 0.5F, 1}, {0.5F, 0.6F, 1}));  // above
  EXPECT_FALSE(crosses_floor({1.5F, 1.5F, -1}, {1.6F, 1.5F, 1}, {1.5F, 1.6F, 1}));    // beside: only the planes cross
  EXPECT_TRUE(crosses_floor({0.5F, 0.5F, 0}, {0.6F, 0.5F, 1}, {0.5F, 0.6F, 1}));      // touches
}

TEST(Crossings, InOnePlane) {
  EXPECT_TRUE(crosses_floor({0.2F, 0.2F, 0}, {0.4F, 0.2F, 0}, {0.2F, 0.4F, 0}));  // inside
  EXPECT_TRUE(crosses_floor({-1, 1, 0}, {3, 1, 0}, {1, 1.5F, 0}));
  EXPECT_FALSE(crosses_floor({2, 2, 0}, {3, 2, 0}, {2, 3, 0}));
  EXPECT_FALSE(crosses_floor({3, 0, 0}, {4, 0, 0}, {3, 1, 0}));  // an edge on the same line, further along
}

TEST(Crossings, SharedVerticesAndEdges) {
  const std::vector<Vector3> positions = {{0, 0, 0},        {2, 0, 0},       {0, 2, 0}, {-1, 0, 0},         {0, -1, 0},
                                          {0.5F, 0.5F, -1}, {0.6F, 0.6F, 1}, {2, 2, 0}, {0.1F, 0.2F, 1e-4F}};
  EXPECT_FALSE(triangles_cross(positions, {0, 1, 2}, {0, 3, 4}));  // only the corner in common
  EXPECT_TRUE(triangles_cross(positions, {0, 1, 2}, {0, 5, 6}));   // the far edge goes through
  EXPECT_FALSE(triangles_cross(positions, {0, 1, 2}, {2, 1, 7}));  // flat neighbours
  EXPECT_TRUE(triangles_cross(positions, {0, 1, 2}, {2, 1, 8}));   // folded onto each other: a flap
  EXPECT_FALSE(triangles_cross(positions, {0, 1, 2}, {2, 1, 5}));  // a sharp edge is none
  EXPECT_TRUE(triangles_cross(positions, {0, 1, 2}, {0, 2, 1}));   // both sides of one triangle
}

TEST(Crossings, PairsAreFoundOnce) {
  Mesh mesh;
  for (const float at : {0.0F, 10.0F, 20.0F}) {
    const auto first = static_cast<uint32_t>(mesh.positions.size());
    mesh.positions.insert(mesh.positions.end(), {{at, 0, 0}, {at + 2, 0, 0}, {at, 2, 0}});
    mesh.triangles.push_back({first, first + 1, first + 2});
  }
  EXPECT_TRUE(crossing_pairs(mesh).empty());
  mesh.positions.insert(mesh.positions.end(), {{10.5F, 0.5F, -1}, {10.6F, 0.5F, 1}, {10.5F, 0.6F, 1}});
  mesh.triangles.push_back({9, 10, 11});
  using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;
  EXPECT_EQ(crossing_pairs(mesh), (Pairs{{1, 3}}));
  EXPECT_TRUE(crossing_pairs({}).empty());
}

}  // namespace
}  // namespace gsv3d
