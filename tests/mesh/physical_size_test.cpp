// Lengths with units, and meshes of the size that was asked for.
#include "mesh/physical_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/atomic_file.h"
#include "core/config.h"
#include "core/error.h"
#include "temporary_folder.h"

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

/// One unit wide, half of it high, a quarter of it deep.
Mesh tetrahedron() {
  Mesh mesh;
  mesh.positions = {{0, 0, 0}, {1, 0, 0}, {0, 0.5F, 0}, {0, 0, 0.25F}};
  mesh.triangles = {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}};
  return mesh;
}

TEST(PhysicalSize, MeshesAreScaledAndTurned) {
  const Mesh mesh = tetrahedron();
  EXPECT_FLOAT_EQ(bounding_box(scaled_to(mesh, {SizedSide::kLongest, 0.12})).size().x, 0.12F);
  const Mesh small = scaled_to(mesh, {SizedSide::kHeight, 0.005}, LengthUnit::kMillimetre);
  EXPECT_FLOAT_EQ(bounding_box(small).size().y, 5);
  EXPECT_FLOAT_EQ(bounding_box(small).size().x, 10);
  EXPECT_EQ(turned_z_up(mesh).positions[2], (Vector3{0, 0, 0.5F}));
  EXPECT_EQ(turned_z_up(mesh).positions[3], (Vector3{0, -0.25F, 0}));
  EXPECT_NEAR(signed_volume(turned_z_up(mesh)), signed_volume(mesh), 1e-7);
  EXPECT_THROW(scaled_to({}, {SizedSide::kLongest, 1}), Error);
}

TEST(PhysicalSize, EveryFormatHasItsUnitAndAxes) {
  const auto size = [](const Placement& placement, MeshFormat format) {
    return bounding_box(placed(tetrahedron(), placement, format)).size();
  };
  const Placement sized{PhysicalSize{SizedSide::kHeight, 0.04}, {}};
  EXPECT_EQ(size({}, MeshFormat::kObj), (Vector3{1, 0.5F, 0.25F}));
  EXPECT_EQ(size({}, MeshFormat::kStl), (Vector3{100, 25, 50}));  // not a speck of a millimetre
  EXPECT_FLOAT_EQ(size(sized, MeshFormat::kStl).z, 40);
  EXPECT_FLOAT_EQ(size({sized.size, UpAxis::kY}, MeshFormat::kStl).y, 40);
  EXPECT_FLOAT_EQ(size({sized.size, UpAxis::kZ}, MeshFormat::kPly).z, 0.04F);
  EXPECT_FLOAT_EQ(size(sized, MeshFormat::kGlb).y, 0.04F);
  EXPECT_THROW(size({{}, UpAxis::kZ}, MeshFormat::kGlb), UsageError);
}

TEST(PhysicalSize, FilesNameUnitAndAxes) {
  const testing::TemporaryFolder folder;
  const Placement sized{PhysicalSize{SizedSide::kLongest, 0.12}, {}};
  const auto text = [&](const char* name, const Placement& placement) {
    write_mesh(folder / name, placed(tetrahedron(), placement, mesh_format(name)));
    return read_file(folder / name);
  };
  using ::testing::HasSubstr;
  using ::testing::Not;
  EXPECT_THAT(text("a.obj", sized), HasSubstr("# gsv3d: +Y up, front +Z, metres\n"));
  EXPECT_THAT(text("a.obj", {sized.size, UpAxis::kZ}), HasSubstr("# gsv3d: +Z up, front -Y, metres\n"));
  EXPECT_THAT(text("a.ply", {}), HasSubstr("comment gsv3d mesh: +Y up, front +Z, colours"));
  EXPECT_THAT(text("a.stl", {}), HasSubstr("+Z up, front -Y, millimetres "));
  const std::string glb = text("a.glb", sized);
  uint32_t length;
  std::memcpy(&length, glb.data() + 12, 4);
  const Json asset = Json::parse(glb.substr(20, length))["asset"];
  EXPECT_EQ(asset["extras"]["unit"], "metre");
  EXPECT_FLOAT_EQ(asset["extras"]["size"][0].get<float>(), 0.12F);
  EXPECT_FLOAT_EQ(asset["extras"]["size"][1].get<float>(), 0.06F);
  EXPECT_THAT(text("a.glb", {}), Not(HasSubstr("extras")));
}

}  // namespace
}  // namespace gsv3d
