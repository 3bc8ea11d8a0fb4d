// OBJ + MTL with every oddity that furniture libraries have.
#include "objects/obj_reader.h"

#include <gmock/gmock.h>

#include "captured_log.h"
#include "image/texture_pyramid.h"
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

TEST(ObjMaterials, TransparencyWrittenTwice) {
  EXPECT_FLOAT_EQ(with_material("newmtl wood\nd 1\nTr 1\n").materials[0].opacity, 1) << "d decides";
  EXPECT_FLOAT_EQ(with_material("newmtl wood\nTr 1\nd 0.75\n").materials[0].opacity, 0.75F);
  EXPECT_FLOAT_EQ(with_material("newmtl wood\nTr 0.25\n").materials[0].opacity, 0.75F);
}

TEST(ObjMaterials, LibraryNamedAfterItsUse) {
  const Object object = read(
      {{"a/model.obj", kTriangle + "usemtl wood\nf 1 2 3\nmtllib late.mtl\n"}, {"a/late.mtl", "newmtl wood\nKd 0.1 0.2 0.3\n"}});
  EXPECT_FLOAT_EQ(object.materials[0].color[2], 0.3F);
}

TEST(ObjMaterials, ByteOrderMarksAndContinuedLines) {
  const Object object = read({{"a/model.obj",
                               "\xEF\xBB\xBFmtllib m.mtl\n# a path C:\\art\\\nv 0 0 0\nv 1 \\\n 0 0\nv 0 1 0\nusemtl "
                               "wood\nf 1 \\\r\n2 3\n"},
                              {"a/m.mtl", "\xEF\xBB\xBFnewmtl wood\nKd 0.1 \\\n 0.2 0.3\n"}});
  ASSERT_EQ(object.triangles.size(), 1U);
  EXPECT_FLOAT_EQ(object.materials[0].color[1], 0.2F);
}

TEST(ObjMaterials, ScaleOffsetAndClampOfATexture) {
  const Object object = with_material("newmtl wood\nmap_Kd -s 2 3 1 -o 0.25 0.5 -clamp on t.png\n", {{"a/t.png", png(1, 2, 3)}});
  ASSERT_EQ(object.materials[0].texture, 0);
  EXPECT_EQ(object.uvs[object.triangles[0][1]], (std::array<float, 2>{2.25F, 0.5F}));
  EXPECT_EQ(object.uvs[object.triangles[0][2]], (std::array<float, 2>{0.25F, 3.5F}));
  EXPECT_EQ(object.materials[0].wrap[0], Wrap::clamp);
}

TEST(ObjMaterials, Emission) {
  const Object object = with_material("newmtl wood\nKd 0 0 0\nKe 0.5 0.25 1\n");
  EXPECT_EQ(object.materials[0].emission, (std::array<float, 3>{0.5F, 0.25F, 1}));
  const Object textured = with_material("newmtl wood\nKd 0 0 0\nmap_Ke t.png\n", {{"a/t.png", png(1, 2, 3)}});
  EXPECT_EQ(textured.materials[0].emission_texture, 0);
  EXPECT_EQ(textured.materials[0].emission[0], 1);
}

TEST(ObjMaterials, GoogleScannedObjects) {
  const MemoryFiles files({{"Shoe/meshes/model.obj", "mtllib model.mtl\n" + kTriangle + "usemtl material_0\nf 1/1 2/2 3/3\n"},
                           {"Shoe/meshes/model.mtl", "newmtl material_0\nKd 1 1 1\nmap_Kd texture.png\n"},
                           {"Shoe/materials/textures/texture.png", png(40, 50, 60)}});
  const Object object = read_obj(files, "Shoe/meshes/model.obj");
  ASSERT_EQ(object.materials[0].texture, 0);
  EXPECT_EQ(object.textures[0].at(0, 0)[0], 40);
}

TEST(ObjMaterials, WhatIsMissingIsNamedOnce) {
  const testing::CapturedLog log;
  read({{"a/model.obj",
         "mtllib gone.mtl\nmtllib m.mtl\n" + kTriangle + "usemtl wood\nf 1 2 3\nusemtl steel\nf 3 2 1\nusemtl tin\nf 1 3 2\n"},
        {"a/m.mtl", "newmtl wood\nmap_Kd -mm 0.1 0.5 no.png\nnewmtl tin\nmap_Kd no.png\n"}});
  EXPECT_EQ(log.text(),
            "warning: a/model.obj: material library gone.mtl is not there; its materials are grey\n"
            "warning: a/model.obj: texture no.png is not there; the material's colour is used instead\n"
            "warning: a/model.obj: material wood: the texture option -mm is not honoured\n"
            "warning: a/model.obj: material steel is in no library; it is grey\n");
}

TEST(ObjColors, BehindTheVertices) {
  const std::string colored = "v 0 0 0 0 0 0\nv 1 0 0 0.5 1 0\nv 0 1 0 1 1 1\nvt 0 0\n";
  Object object = read({{"a/model.obj", colored + "f 1 2 3\n"}});
  EXPECT_NEAR(object.colors.at(object.triangles[0][1])[0], 0.21404, 1e-4) << "the screen's 0.5 in linear light";
  EXPECT_EQ(object.materials[0].color, (std::array<float, 3>{1, 1, 1})) << "no grey over the colours";
  object = read({{"a/model.obj", "v 0 0 0 0 0 0\nv 1 0 0 51 255 0\nv 0 1 0 255 0 0\nf 1 2 3\n"}});
  EXPECT_NEAR(object.colors.at(object.triangles[0][1])[0], 0.0331, 1e-4) << "0 to 255";
  object = read({{"a/model.obj", "mtllib m.mtl\nusemtl wood\n" + colored + "f 1/1 2/1 3/1\n"},
                 {"a/m.mtl", "newmtl wood\nmap_Kd t.png\n"},
                 {"a/t.png", png(1, 2, 3)}});
  EXPECT_EQ(object.colors.at(object.triangles[0][1])[0], 1) << "a texture takes their place";
  EXPECT_TRUE(read({{"a/model.obj", kTriangle + "f 1 2 3\n"}}).colors.empty());
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
