// Convex hulls, and what a simulator reads of an object.
#include "mesh/urdf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/error.h"
#include "mesh/convex_hull.h"
#include "mesh/physical_size.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;

/// 1 wide, 2 high, 4 deep, outward.
Mesh block() {
  Mesh mesh;
  for (int i = 0; i < 8; ++i) mesh.positions.push_back({i & 1 ? 1.0F : 0.0F, i & 2 ? 2.0F : 0.0F, i & 4 ? 4.0F : 0.0F});
  mesh.triangles = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6}, {0, 1, 5}, {0, 5, 4},
                    {2, 6, 7}, {2, 7, 3}, {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
  return mesh;
}

TEST(ConvexHull, IsClosedOutwardAndWithoutWhatLiesInside) {
  if (!has_convex_hull()) GTEST_SKIP() << "built without GSV3D_WITH_QHULL";
  Mesh mesh = block();
  mesh.positions.push_back({0.5F, 1, 2});  // inside
  mesh.triangles.push_back({0, 1, 8});
  const Mesh hull = convex_hull(mesh);
  EXPECT_EQ(hull.positions.size(), 8U);
  EXPECT_EQ(hull.triangles.size(), 12U);
  EXPECT_TRUE(topology(hull).manifold());
  EXPECT_NEAR(signed_volume(hull), 8, 1e-5);
  Mesh flat = block();
  for (Vector3& p : flat.positions) p.z = 0;
  EXPECT_THROW(convex_hull(flat), Error);
}

TEST(Urdf, NamesMassInertiaAndFiles) {
  if (!has_convex_hull()) GTEST_SKIP() << "built without GSV3D_WITH_QHULL";
  const testing::TemporaryFolder folder;
  // 30 mm wide, 60 high and 120 deep, in millimetres and turned: 216 g of water.
  const Mesh mesh = placed(block(), {PhysicalSize{SizedSide::kHeight, 0.06}, {}}, MeshFormat::kStl);
  const MassProperties found = write_urdf(folder / "a.urdf", folder / "a & b.stl", mesh);
  EXPECT_NEAR(found.mass, 0.216, 1e-6);
  EXPECT_NEAR(found.center[0], 0.015, 1e-7);
  EXPECT_NEAR(found.center[1], -0.06, 1e-7);
  EXPECT_NEAR(found.center[2], 0.03, 1e-7);
  EXPECT_NEAR(found.inertia[2], 0.216 / 12 * (0.03 * 0.03 + 0.12 * 0.12), 1e-9);
  const std::string text = read_file(folder / "a.urdf");
  EXPECT_THAT(text, HasSubstr("filename=\"a &amp; b.stl\" scale=\"0.001 0.001 0.001\""));
  EXPECT_THAT(text, HasSubstr("filename=\"a_collision.obj\""));
  EXPECT_THAT(text, HasSubstr("<mass value=\"0.216"));
  EXPECT_THAT(read_file(folder / "a_collision.obj"), HasSubstr("+Z up, front -Y, metres"));
  EXPECT_NEAR(write_urdf(folder / "b.urdf", "b.glb", block(), {.mass = 3}).mass, 3, 1e-9);
  EXPECT_THAT(read_file(folder / "b.urdf"), HasSubstr("rpy=\"1.5707963267948966 0 0\""));
}

}  // namespace
}  // namespace gsv3d
