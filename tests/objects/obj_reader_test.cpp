// OBJ + MTL with every oddity that furniture libraries have.
#include "objects/obj_reader.h"

#include <gmock/gmock.h>

#include "memory_files.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::MemoryFiles;

const std::string kTriangle = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\n";

std::string png(uint8_t red, uint8_t green, uint8_t blue, uint8_t alpha = 255) {
  return encode_png(blank_image(2, 2, red, green, blue, alpha));
}

Object read(std::map<std::string, std::string> files) {
  return read_obj(MemoryFiles(std::move(files)), "a/model.obj");
}

Object with_material(const std::string& mtl, std::map<std::string, std::string> textures = {}) {
  textures["a/my model.mtl"] = mtl;
  textures["a/model.obj"] = "mtllib my model.mtl\n" + kTriangle + "usemtl wood\nf 1/1 2/2 3/3\n";
  return read(std::move(textures));
}

double area(const Object& object) {
  double sum = 0;
  for (const auto& [a, b, c] : object.triangles) {
    const auto &p = object.positions[a], &q = object.positions[b], &r = object.positions[c];
    const double ux = q[0] - p[0], uy = q[1] - p[1], uz = q[2] - p[2], vx = r[0] - p[0], vy = r[1] - p[1], vz = r[2] - p[2];
    sum += 0.5 * std::hypot(uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx);
  }
  return sum;
}

TEST(ObjMaterials, TextureReplacesKd) {
  const Object object = with_material("newmtl wood\nKd 0 0 0\nmap_Kd t.png\n", {{"a/t.png", png(10, 20, 30)}});
  ASSERT_EQ(object.textures.size(), 1U);
  EXPECT_EQ(object.materials[0].texture, 0);
  EXPECT_EQ(object.materials[0].color, (std::array<float, 3>{1, 1, 1}));
  EXPECT_EQ(object.textures[0].at(1, 1)[2], 30);
  EXPECT_FALSE(object.textures[0].has_alpha);
}

TEST(ObjMaterials, MissingTextureFallsBackToKd) {
  const Object object = with_material("newmtl wood\nKd 0.25 0.5 0.75\nmap_Kd C:\\Users\\x\\t.png\n");
  EXPECT_TRUE(object.textures.empty());
  EXPECT_EQ(object.materials[0].texture, -1);
  EXPECT_FLOAT_EQ(object.materials[0].color[2], 0.75F);
}

TEST(ObjMaterials, DamagedTextureFallsBackToKd) {
  const Object object = with_material("newmtl wood\nKd 0.25 0.5 0.75\nmap_Kd t.png\n", {{"a/t.png", png(1, 2, 3).substr(0, 40)}});
  EXPECT_EQ(object.materials[0].texture, -1);
  EXPECT_FLOAT_EQ(object.materials[0].color[1], 0.5F);
}

TEST(ObjMaterials, MissingMaterialIsGrey) {
  const Object object = with_material("newmtl steel\nKd 1 0 0\n");
  EXPECT_FLOAT_EQ(object.materials[0].color[0], 0.8F);
  EXPECT_FLOAT_EQ(object.materials[0].opacity, 1);
}

TEST(ObjMaterials, TabsCarriageReturnsAndOpacity) {
  const Object object = with_material("\tnewmtl wood\r\n\t\tKd 0.1 0.2 0.3\r\n\t\td 0.4\r\n");
  EXPECT_FLOAT_EQ(object.materials[0].color[0], 0.1F);
  EXPECT_FLOAT_EQ(object.materials[0].opacity, 0.4F);
}

TEST(ObjMaterials, CommentStuckToTheFileName) {
  const Object object =
      with_material("newmtl wood\nmap_Kd t.png# Blender MTL File: 'x.blend'\n# Material Count: 1\n", {{"a/t.png", png(1, 2, 3)}});
  EXPECT_EQ(object.materials[0].texture, 0);
}

TEST(ObjMaterials, MapOptionsAndSpacesInPaths) {
  const Object object = with_material("newmtl wood\nmap_Kd -bm 0.03 -o 0.2 0.2 0.2 -clamp on my textures\\old oak.png\n",
                                      {{"a/my textures/old oak.png", png(1, 2, 3)}});
  EXPECT_EQ(object.materials[0].texture, 0);
}

TEST(ObjMaterials, TextureWithAlphaAndSeparateMask) {
  const Object own = with_material("newmtl wood\nmap_Kd t.png\nmap_d t.png\n", {{"a/t.png", png(1, 2, 3, 100)}});
  ASSERT_EQ(own.textures.size(), 1U);
  EXPECT_TRUE(own.textures[0].has_alpha);
  const Object masked =
      with_material("newmtl wood\nmap_Kd t.png\nmap_d m.png\n", {{"a/t.png", png(9, 9, 9)}, {"a/m.png", png(60, 60, 60)}});
  const Image& joined = masked.textures[masked.materials[0].texture];
  EXPECT_TRUE(joined.has_alpha);
  EXPECT_EQ(joined.at(0, 0)[3], 60);
  EXPECT_EQ(joined.at(0, 0)[0], 9);
}

TEST(ObjFaces, ConcavePolygonKeepsItsArea) {
  // An L of area 3: a fan from its first corner would cover the notch.
  const Object object = read({{"a/model.obj", "v 2 0 0\nv 2 1 0\nv 1 1 0\nv 1 2 0\nv 0 2 0\nv 0 0 0\nf 1 2 3 4 5 6\n"}});
  EXPECT_EQ(object.triangles.size(), 4U);
  EXPECT_NEAR(area(object), 3, 1e-6);
}

TEST(ObjFaces, NegativeIndicesTwoCornersLinesAndPoints) {
  const Object object = read({{"a/model.obj", kTriangle + "l 1 2\np 1\nf 1 2\nf -3/-3 -2/-2 -1/-1 # last\n"}});
  ASSERT_EQ(object.triangles.size(), 1U);
  EXPECT_FLOAT_EQ(object.uvs[object.triangles[0][2]][1], 1);
}

TEST(ObjFaces, DoubledAndFlatTrianglesAreDropped) {
  const Object object = read({{"a/model.obj", kTriangle + "v 2 0 0\nf 1 2 3\nf 3 2 1\nf 2 3 1\nf 1 2 4\n"}});
  EXPECT_EQ(object.triangles.size(), 1U);
}

TEST(ObjFaces, DamagedFilesAreErrors) {
  EXPECT_THAT(error_of([] { read({{"a/model.obj", "v 0 0 0\nv 1 0 0\nf 1 2 3\n"}}); }), HasSubstr("does not exist"));
  EXPECT_THAT(error_of([] { read({{"a/model.obj", "v 0 nan 0\nv 1 0 0\nf 1 2 2\n"}}); }), HasSubstr("is not a coordinate"));
  EXPECT_THAT(error_of([] { read({{"a/model.obj", "v 0 1e300 0\n"}}); }), HasSubstr("is not a coordinate"));
  EXPECT_THAT(error_of([] { read({{"a/model.obj", "v 0 zero 0\n"}}); }), HasSubstr("zero"));
  EXPECT_THAT(error_of([] { read({{"a/model.obj", kTriangle}}); }), HasSubstr("no triangles"));
  EXPECT_THAT(error_of([] {
                read({{"a/model.obj", std::string("\x7f"
                                                  "ELF\0\0",
                                                  6)}});
              }),
              HasSubstr("no triangles"));
  EXPECT_THAT(error_of([] { read({}); }), HasSubstr("no such file"));
}

TEST(ResolveName, StaysInside) {
  EXPECT_EQ(resolve_name("a/b.obj", "t.png"), "a/t.png");
  EXPECT_EQ(resolve_name("a/b.obj", "..\\t.png"), "t.png");
  EXPECT_EQ(resolve_name("a/b.obj", "../../etc/passwd"), "");
  EXPECT_EQ(resolve_name("a/b.obj", "/etc/passwd"), "");
  EXPECT_EQ(resolve_name("a/b.obj", "C:\\t.png"), "");
  EXPECT_EQ(resolve_name("", "a/../../x"), "");
}

}  // namespace
}  // namespace gsv3d
