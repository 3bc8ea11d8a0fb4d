// Lengths with units, and meshes of the size that was asked for.
#include "mesh/physical_size.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace gsv3d {
namespace {

TEST(PhysicalSize, LengthsHaveUnits) {
  EXPECT_DOUBLE_EQ(parse_length("12cm", "--size"), 0.12);
  EXPECT_DOUBLE_EQ(parse_length("5 mm", "--size"), 0.005);
  EXPECT_DOUBLE_EQ(parse_length("0.3m", "--size"), 0.3);
  EXPECT_DOUBLE_EQ(parse_length("2in", "--size"), 0.0508);
  for (const char* text : {"", "12", "cm", "12 feet", "-1cm", "0mm", "nanm", "infm", "2km", "1e9m"})
    EXPECT_THROW(parse_length(text, "--size"), UsageError) << text;
}

TEST(PhysicalSize, MeshesAreScaledAndTurned) {
  Mesh mesh;
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 0.5F, 0}, {0, 0, 0.25F}};
  mesh.triangles = {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}};
  EXPECT_FLOAT_EQ(bounding_box(scaled_to(mesh, SizedSide::kLongest, 0.12)).size().x, 0.12F);
  const Mesh small = scaled_to(mesh, SizedSide::kHeight, 0.005, true);
  EXPECT_FLOAT_EQ(bounding_box(small).size().y, 5);
  EXPECT_FLOAT_EQ(bounding_box(small).size().x, 10);
  EXPECT_EQ(turned_z_up(mesh).positions[2], (Vector3{0, 0, 0.5F}));
  EXPECT_EQ(turned_z_up(mesh).positions[3], (Vector3{0, -0.25F, 0}));
  EXPECT_NEAR(signed_volume(turned_z_up(mesh)), signed_volume(mesh), 1e-7);
  EXPECT_THROW(scaled_to({}, SizedSide::kLongest, 1), Error);
}

}  // namespace
}  // namespace gsv3d
