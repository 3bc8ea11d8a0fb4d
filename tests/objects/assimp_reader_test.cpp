// What assimp reads, and how it is taken over.
#include "objects/assimp_reader.h"

#include <gmock/gmock.h>

#include "captured_log.h"
#include "memory_files.h"
#include "objects/object_reader.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::MemoryFiles;

MemoryFiles one_file(const std::string& name, const std::string& text) {
  return MemoryFiles(std::map<std::string, std::string>{{name, text}});
}

bool lacks_assimp() {
  return testing::lacks_library([] { read_object(one_file("a.off", "OFF"), "a.off"); });
}

TEST(Assimp, PlyColoursAreThoseOfTheScreen) {
  if (lacks_assimp()) GTEST_SKIP() << "built without assimp";
  const std::string header =
      "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\n"
      "property uchar green\nproperty uchar blue\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n";
  const Object object =
      read_object(one_file("a.PLY", header + "0 0 0 128 255 0\n1 0 0 128 255 0\n0 1 0 128 255 0\n3 0 1 2\n"), "a.PLY");
  ASSERT_EQ(object.colors.size(), 3U);
  EXPECT_NEAR(object.colors[0][0], 0.2158, 1e-3);
  EXPECT_EQ(object.colors[0][1], 1);
  EXPECT_EQ(object.materials[object.triangle_materials[0]].color, (std::array<float, 3>{1, 1, 1}));
}

/// A triangle in COLLADA whose only effect holds `shading`.
std::string collada(const std::string& shading, const std::string& images = "") {
  return R"(<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><up_axis>Y_UP</up_axis></asset>)" +
         images + R"(<library_effects><effect id="e"><profile_COMMON>)" + shading +
         R"(</profile_COMMON></effect></library_effects>
<library_materials><material id="m"><instance_effect url="#e"/></material></library_materials>
<library_geometries><geometry id="g"><mesh>
<source id="p"><float_array id="pa" count="9">0 0 0 1 0 0 0 1 0</float_array><technique_common><accessor source="#pa" count="3" stride="3">
<param name="X" type="float"/><param name="Y" type="float"/><param name="Z" type="float"/></accessor></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<triangles material="x" count="1"><input semantic="VERTEX" source="#v" offset="0"/><p>0 1 2</p></triangles></mesh></geometry></library_geometries>
<library_visual_scenes><visual_scene id="s"><node><instance_geometry url="#g"><bind_material><technique_common>
<instance_material symbol="x" target="#m"/></technique_common></bind_material></instance_geometry></node></visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#s"/></scene></COLLADA>)";
}

TEST(Assimp, EmissionOfCollada) {
  if (lacks_assimp()) GTEST_SKIP() << "built without assimp";
  const std::string text = collada(
      R"(<technique sid="t"><lambert><emission><color>0.5 0.25 1 1</color></emission><diffuse><color>0 0 0 1</color></diffuse></lambert></technique>)");
  const Object object = read_object(one_file("a.dae", text), "a.dae");
  const Material& material = object.materials[object.triangle_materials[0]];
  EXPECT_EQ(material.emission, (std::array<float, 3>{0.5F, 0.25F, 1}));
  EXPECT_EQ(material.color[0], 0);
}

TEST(Assimp, MissingTextureIsNamed) {
  if (lacks_assimp()) GTEST_SKIP() << "built without assimp";
  const std::string text = collada(
      R"(<newparam sid="f"><surface type="2D"><init_from>i</init_from></surface></newparam><newparam sid="g"><sampler2D><source>f</source></sampler2D></newparam><technique sid="t"><lambert><diffuse><texture texture="g" texcoord="T"/></diffuse></lambert></technique>)",
      R"(<library_images><image id="i"><init_from>gone.png</init_from></image></library_images>)");
  const testing::CapturedLog log;
  read_object(one_file("a.dae", text), "a.dae");
  EXPECT_THAT(log.text(), HasSubstr("warning: a.dae: texture gone.png is not there"));
}

TEST(ObjectReader, OtherEndingsAreRefusedByName) {
  EXPECT_TRUE(is_object_file("a/B.GLB") && is_object_file("a.obj") && is_object_file("x.y.FBX"));
  EXPECT_FALSE(is_object_file("a.blend") || is_object_file("obj") || is_object_file("a.obj/b"));
  EXPECT_THAT(error_of([] { read_object(one_file("a.blend", "BLENDER"), "a.blend"); }),
              HasSubstr("a.blend: not a file of a 3D object"));
}

}  // namespace
}  // namespace gsv3d
