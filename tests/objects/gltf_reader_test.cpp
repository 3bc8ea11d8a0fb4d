// glTF's rules, each with the value it demands.
#include "objects/gltf_reader.h"

#include <gmock/gmock.h>

#include "captured_log.h"
#include "damaged_files.h"
#include "gltf_files.h"
#include "image/texture_pyramid.h"
#include "image/webp.h"

#ifdef GSV3D_HAS_MESHOPTIMIZER
#include <meshoptimizer.h>
#endif
#ifdef GSV3D_HAS_DRACO
#include <draco/compression/encode.h>
#include <draco/mesh/triangle_soup_mesh_builder.h>
#endif

namespace gsv3d {
namespace {

using testing::CapturedLog;
using testing::error_of;
using testing::first_material;
using testing::GltfFile;
using ::testing::HasSubstr;

std::string png(uint8_t red, uint8_t green, uint8_t blue, uint8_t alpha = 255) {
  return encode_png(blank_image(2, 2, red, green, blue, alpha));
}

/// The position of corner `k` of the first triangle.
std::array<float, 3> corner(const Object& object, int k) {
  return object.positions[object.triangles[0][k]];
}
void expect_place(const std::array<float, 3>& place, const std::array<float, 3>& expected, float tolerance = 1e-5F) {
  for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(place[axis], expected[axis], tolerance) << "axis " << axis;
}

TEST(GltfMaterials, OpaqueIgnoresAlpha) {
  GltfFile file;
  file.material()["pbrMetallicRoughness"]["baseColorFactor"] = {1, 1, 1, 0.25};
  const Material material = first_material(file.read());
  EXPECT_EQ(material.opacity, 1);
  EXPECT_EQ(material.alpha_cutoff, 0);
  EXPECT_FALSE(material.alpha_blends);
}

TEST(GltfMaterials, MaskComparesTheProductWithTheCutoff) {
  GltfFile file;
  file.material() =
      Json::parse(R"({"alphaMode": "MASK", "alphaCutoff": 0.3, "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.5]}})");
  const Material material = first_material(file.read());
  EXPECT_EQ(material.opacity, 1) << "what is left is opaque";
  EXPECT_FLOAT_EQ(material.alpha_cutoff, 0.6F) << "0.5 · texture < 0.3";
}

TEST(GltfMaterials, BlendBlends) {
  GltfFile file;
  file.material() = Json::parse(R"({"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0.5]}})");
  const Material material = first_material(file.read());
  EXPECT_EQ(material.opacity, 0.5F);
  EXPECT_EQ(material.alpha_cutoff, 0);
  EXPECT_TRUE(material.alpha_blends);
}

TEST(GltfMaterials, SpecularGlossiness) {
  GltfFile file;
  file.material() = Json::parse(
      R"({"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0.21404114, 1, 0, 1], "specularFactor": [1, 0, 0]}}})");
  EXPECT_NEAR(first_material(file.read()).color[0], 0.5, 1e-4);
  const auto model = [&]() -> Json& { return file.material()["extensions"]["KHR_materials_pbrSpecularGlossiness"]; };
  model()["diffuseFactor"] = {0, 0, 0, 1};
  EXPECT_EQ(first_material(file.read()).color, (std::array<float, 3>{1, 0, 0})) << "a metal's colour is its specular one";
  file.texture("t.png");
  model()["diffuseTexture"] = file.material()["pbrMetallicRoughness"]["baseColorTexture"];
  model()["diffuseFactor"] = {1, 1, 1, 1};
  file.files["a/t.png"] = png(10, 20, 30);
  const Object object = file.read();
  EXPECT_EQ(object.textures.at(static_cast<size_t>(first_material(object).texture)).at(0, 0)[1], 20);
}

TEST(GltfMaterials, EmissionAndItsStrength) {
  GltfFile file;
  file.material() =
      Json::parse(R"({"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}, "emissiveFactor": [0.10702057, 0, 1],
      "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 2}}})");
  const Material material = first_material(file.read());
  EXPECT_NEAR(material.emission[0], 0.5, 1e-4);
  EXPECT_EQ(material.emission[2], 1);
  EXPECT_EQ(material.color[0], 0);
}

TEST(GltfMaterials, EmissiveTextureElsewhereIsNamed) {
  GltfFile file;
  file.files["a/t.png"] = png(1, 2, 3);
  file.texture("t.png");
  file.material()["name"] = "lamp";
  file.material()["emissiveFactor"] = {1, 1, 1};
  file.material()["emissiveTexture"] = {{"index", 0}, {"texCoord", 1}};
  const CapturedLog log;
  EXPECT_EQ(first_material(file.read()).emission[0], 0);
  EXPECT_THAT(log.text(), HasSubstr("a/m.gltf: material lamp: an emissive texture"));
}

TEST(GltfMaterials, UnlitAndDefault) {
  GltfFile file;
  file.material()["extensions"]["KHR_materials_unlit"] = Json::object();
  EXPECT_TRUE(first_material(file.read()).unlit);
  file.primitive().erase("material");
  const Object object = file.read();
  EXPECT_EQ(first_material(object).color, (std::array<float, 3>{1, 1, 1})) << "glTF's default material is white";
  EXPECT_FALSE(first_material(object).unlit);
}

TEST(GltfColors, AreLinearInEveryType) {
  const auto color_of = [](GltfFile file, int64_t accessor) {
    file.attribute("COLOR_0", accessor);
    const Object object = file.read();
    return object.colors.at(object.triangles[0][1]);
  };
  GltfFile file;
  const auto bytes = color_of(file, file.numbers<uint8_t>({0, 0, 0, 0, 51, 102, 255, 51, 0, 0, 0, 0}, "VEC4", true));
  EXPECT_NEAR(bytes[0], 0.2, 1e-6);
  EXPECT_NEAR(bytes[1], 0.4, 1e-6);
  EXPECT_NEAR(bytes[3], 0.2, 1e-6);
  const auto words = color_of(file, file.numbers<uint16_t>({0, 0, 0, 13107, 65535, 0, 0, 0, 0}, "VEC3", true));
  EXPECT_NEAR(words[0], 0.2, 1e-6);
  EXPECT_EQ(words[3], 1);
  const auto floats = color_of(file, file.numbers<float>({0, 0, 0, 0.2F, 7, 0.5F, 0, 0, 0}, "VEC3"));
  EXPECT_NEAR(floats[0], 0.2, 1e-6);
  EXPECT_EQ(floats[1], 1) << "clamped";
}

TEST(GltfTextures, TransformSamplerAndUpwardV) {
  GltfFile file;
  file.files["a/t.png"] = png(1, 2, 3);
  file.texture("t.png", {{"wrapS", 33071}, {"wrapT", 33648}});
  Object object = file.read();
  EXPECT_EQ(first_material(object).wrap, (WrapModes{Wrap::clamp, Wrap::mirror}));
  EXPECT_EQ(object.uvs[object.triangles[0][0]], (std::array<float, 2>{0, 1})) << "glTF's v counts downward";
  // A quarter turn: (u, v) → (scale_y v + 0.25, -scale_x u + 0.5), as Khronos' sample viewer and Blender have it.
  file.material()["pbrMetallicRoughness"]["baseColorTexture"]["extensions"]["KHR_texture_transform"] = {
      {"offset", {0.25, 0.5}}, {"rotation", 1.5707963267948966}, {"scale", {2, 3}}};
  object = file.read();
  const auto &second = object.uvs[object.triangles[0][1]], &third = object.uvs[object.triangles[0][2]];
  EXPECT_NEAR(second[0], 0.25, 1e-5);
  EXPECT_NEAR(second[1], 1 - (0.5 - 2), 1e-5);
  EXPECT_NEAR(third[0], 3.25, 1e-5);
  EXPECT_NEAR(third[1], 0.5, 1e-5);
}

TEST(GltfTextures, AreFoundWherePeopleHaveThem) {
  const auto red_of = [](const std::string& uri, const std::string& place) {
    GltfFile file;
    file.files[place] = png(77, 0, 0);
    file.texture(uri);
    const Object object = file.read();
    return first_material(object).texture < 0 ? -1 : static_cast<int>(object.textures[0].at(0, 0)[0]);
  };
  EXPECT_EQ(red_of("my%20oak.png", "a/my oak.png"), 77) << "percent-encoded";
  EXPECT_EQ(red_of("100%.png", "a/100%.png"), 77) << "not encoded";
  EXPECT_EQ(red_of("tex\\oak.png", "a/tex/oak.png"), 77) << "backslash";
  EXPECT_EQ(red_of("C:\\Users\\me\\oak.png", "a/textures/oak.png"), 77) << "another machine's path";
  EXPECT_EQ(red_of("oak.png", "materials/textures/oak.png"), 77) << "Google Scanned Objects";
}

TEST(GltfTextures, BetterFormsAndThoseThatAreNotRead) {
  GltfFile file;
  file.files["a/t.png"] = png(1, 2, 3);
  file.files["a/t.ktx2"] = std::string("\xabKTX 20\xbb\r\n\x1a\n") + std::string(100, 'x');
  file.texture("t.png");
  const int64_t basis = file.push("images", {{"uri", "t.ktx2"}});
  file.json["textures"][0]["extensions"]["KHR_texture_basisu"] = {{"source", basis}};
  {
    const CapturedLog log;
    EXPECT_EQ(file.read().textures.at(0).at(0, 0)[2], 3);
    EXPECT_EQ(log.text(), "");
  }
  file.json["textures"][0].erase("source");
  const CapturedLog log;
  EXPECT_EQ(first_material(file.read()).texture, -1);
  EXPECT_THAT(log.text(), HasSubstr("warning: a/m.gltf: texture a/t.ktx2: KTX textures (Basis Universal) are not read"));
}

TEST(GltfTextures, WebP) {
  GltfFile file;
  if (testing::lacks_library([&] { file.files["a/t.webp"] = encode_webp(blank_image(2, 2, 200, 0, 0), 90); })) GTEST_SKIP();
  file.json["extensionsRequired"] = {"EXT_texture_webp"};
  const int64_t image = file.push("images", {{"uri", "t.webp"}});
  file.push("textures", {{"extensions", {{"EXT_texture_webp", {{"source", image}}}}}});
  file.material()["pbrMetallicRoughness"]["baseColorTexture"] = {{"index", 0}};
  const Object object = file.read();
  ASSERT_EQ(object.textures.size(), 1U);
  EXPECT_NEAR(object.textures[0].at(0, 0)[0], 200, 4);
}

TEST(GltfTextures, MissingOneIsNamed) {
  GltfFile file;
  file.texture("gone.png");
  const CapturedLog log;
  EXPECT_EQ(first_material(file.read()).texture, -1);
  EXPECT_EQ(log.text(), "warning: a/m.gltf: texture gone.png is not there; the material's colour is used instead\n");
}

TEST(GltfScenes, SkinsStandWhereTheirJointsAre) {
  GltfFile file;
  file.json["nodes"] =
      Json::parse(R"([{"mesh": 0, "skin": 0, "translation": [100, 0, 0]}, {"translation": [0, 5, 0], "children": [2]},
      {"translation": [0, 2, 0]}])");
  file.json["scenes"][0]["nodes"] = {0, 1};
  // The second joint's inverse bind matrix moves by -1 along x.
  const int64_t inverse = file.numbers<float>(
      {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -1, 0, 0, 1}, "MAT4");
  file.json["skins"] = Json::array({{{"joints", {1, 2}}, {"inverseBindMatrices", inverse}}});
  file.attribute("JOINTS_0", file.numbers<uint8_t>({0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0}, "VEC4"));
  file.attribute("WEIGHTS_0", file.numbers<float>({1, 0, 0, 0, 1, 0, 0, 0, 0.5F, 0.5F, 0, 0}, "VEC4"));
  const Object object = file.read();
  expect_place(corner(object, 0), {0, 5, 0});
  expect_place(corner(object, 1), {0, 7, 0});
  expect_place(corner(object, 2), {-0.5F, 7, 0});
}

TEST(GltfScenes, MorphTargetsHaveTheirDefaultWeights) {
  GltfFile file;
  file.primitive()["targets"] = Json::array({{{"POSITION", file.numbers<float>({0, 0, 4, 0, 0, 0, 0, 0, 0}, "VEC3")}}});
  file.json["meshes"][0]["weights"] = {0.25};
  expect_place(corner(file.read(), 0), {0, 0, 1});
  file.json["nodes"][0]["weights"] = {0.5};
  expect_place(corner(file.read(), 0), {0, 0, 2});
}

TEST(GltfScenes, NodesInstancesStripsAndOtherScenes) {
  GltfFile file;
  file.json["nodes"] = Json::parse(R"([{"children": [1], "scale": [2, 2, 2]},
      {"mesh": 0, "rotation": [0, 0, 0.70710678, 0.70710678], "translation": [1, 0, 0]}, {"mesh": 0, "translation": [50, 0, 0]}])");
  Object object = file.read();
  EXPECT_EQ(object.triangles.size(), 1U) << "node 2 is in no scene";
  expect_place(corner(object, 1), {2, 2, 0});
  file.json["nodes"][1]["extensions"]["EXT_mesh_gpu_instancing"]["attributes"]["TRANSLATION"] =
      file.numbers<float>({0, 0, 0, 0, 0, 3}, "VEC3");
  object = file.read();
  ASSERT_EQ(object.triangles.size(), 2U);
  EXPECT_NEAR(object.positions[object.triangles[1][0]][2], 6, 1e-5);

  GltfFile strip;
  strip.attribute("POSITION", strip.numbers<float>({0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0}, "VEC3"));
  strip.primitive()["attributes"].erase("TEXCOORD_0");
  strip.primitive()["mode"] = 5;
  EXPECT_EQ(strip.read().triangles.size(), 2U);
}

TEST(GltfAccessors, QuantisedStridedAndSparse) {
  GltfFile file;
  file.json["extensionsRequired"] = {"KHR_mesh_quantization"};
  file.attribute("POSITION", file.numbers<int16_t>({0, 0, 0, 32767, 0, 0, 0, -32768, 0}, "VEC3", true));
  Object object = file.read();
  expect_place(corner(object, 1), {1, 0, 0});
  expect_place(corner(object, 2), {0, -1, 0});
  file.attribute("POSITION", file.numbers<uint16_t>({0, 0, 0, 300, 0, 0, 0, 1, 0}, "VEC3"));
  expect_place(corner(file.read(), 1), {300, 0, 0});

  GltfFile sparse;
  const int64_t accessor = sparse.primitive()["attributes"]["POSITION"].get<int64_t>();
  sparse.json["accessors"][static_cast<size_t>(accessor)]["sparse"] = {
      {"count", 1},
      {"indices", {{"bufferView", sparse.view(std::string("\2\0", 2))}, {"componentType", 5123}}},
      {"values", {{"bufferView", sparse.json["accessors"][sparse.numbers<float>({0, 9, 0}, "VEC3")]["bufferView"]}}}};
  expect_place(corner(sparse.read(), 2), {0, 9, 0});
}

#ifdef GSV3D_HAS_MESHOPTIMIZER
TEST(GltfCompression, Meshopt) {
  GltfFile file;
  const std::vector<float> positions{0, 0, 0, 1, 0, 0, 0, 7, 0};
  std::string packed(meshopt_encodeVertexBufferBound(3, 12), '\0');
  packed.resize(
      meshopt_encodeVertexBuffer(reinterpret_cast<unsigned char*>(packed.data()), packed.size(), positions.data(), 3, 12));
  const int64_t accessor = file.numbers<float>(positions, "VEC3");
  const Json place = file.json["bufferViews"][static_cast<size_t>(file.view(packed))];
  file.json["extensionsRequired"] = {"EXT_meshopt_compression"};
  // The accessor's own view points into a buffer that is not there, as gltfpack writes it.
  Json& view = file.json["bufferViews"][file.json["accessors"][static_cast<size_t>(accessor)]["bufferView"].get<size_t>()];
  view["buffer"] = 1;
  view["extensions"]["EXT_meshopt_compression"] = place;
  view["extensions"]["EXT_meshopt_compression"].update({{"byteStride", 12}, {"count", 3}, {"mode", "ATTRIBUTES"}});
  file.attribute("POSITION", accessor);
  expect_place(corner(file.read(), 2), {0, 7, 0});
  view["extensions"]["EXT_meshopt_compression"]["byteLength"] = packed.size() - 3;
  EXPECT_THAT(error_of([&] { file.read(); }), HasSubstr("a/m.gltf: a buffer view compressed by meshopt"));
}
#endif

#ifdef GSV3D_HAS_DRACO
TEST(GltfCompression, Draco) {
  draco::TriangleSoupMeshBuilder builder;
  builder.Start(1);
  const int positions = builder.AddAttribute(draco::GeometryAttribute::POSITION, 3, draco::DT_FLOAT32);
  const int uvs = builder.AddAttribute(draco::GeometryAttribute::TEX_COORD, 2, draco::DT_FLOAT32);
  const float a[3] = {0, 0, 0}, b[3] = {1, 0, 0}, c[3] = {0, 8, 0}, p[2] = {0, 0}, q[2] = {0.5F, 0}, r[2] = {0, 0.25F};
  builder.SetAttributeValuesForFace(positions, draco::FaceIndex(0), a, b, c);
  builder.SetAttributeValuesForFace(uvs, draco::FaceIndex(0), p, q, r);
  const auto mesh = builder.Finalize();
  draco::EncoderBuffer buffer;
  ASSERT_TRUE(draco::Encoder().EncodeMeshToBuffer(*mesh, &buffer).ok());
  const std::string packed(buffer.data(), buffer.size());

  GltfFile file;
  file.files["a/t.png"] = png(1, 2, 3);
  file.texture("t.png");
  file.json["extensionsRequired"] = {"KHR_draco_mesh_compression"};
  for (auto& accessor : file.json["accessors"]) accessor.erase("bufferView");
  const auto id = [&](int attribute) { return mesh->attribute(attribute)->unique_id(); };
  file.primitive()["extensions"]["KHR_draco_mesh_compression"] = {
      {"bufferView", file.view(packed)}, {"attributes", {{"POSITION", id(positions)}, {"TEXCOORD_0", id(uvs)}}}};
  file.primitive()["indices"] = file.push("accessors", {{"componentType", 5125}, {"count", 3}, {"type", "SCALAR"}});
  const Object object = file.read();
  ASSERT_EQ(object.triangles.size(), 1U);
  float highest = 0, widest = 0;
  for (size_t i = 0; i < 3; ++i) {
    highest = std::max(highest, object.positions[i][1]);
    widest = std::max(widest, object.uvs[i][0]);
  }
  EXPECT_NEAR(highest, 8, 1e-3) << "11 bits of a box of 8";
  EXPECT_NEAR(widest, 0.5, 1e-3);
  file.buffer.resize(file.buffer.size() - 20);
  file.json["bufferViews"].back()["byteLength"] = packed.size() - 20;
  EXPECT_THAT(error_of([&] { file.read(); }), HasSubstr("a/m.gltf: a mesh compressed by Draco is damaged"));
}
#endif

TEST(GltfExtensions, UnknownOnesAreNamed) {
  GltfFile file;
  file.json["extensionsUsed"] = {"KHR_materials_transmission", "KHR_materials_clearcoat"};
  const CapturedLog log;
  file.read();
  EXPECT_EQ(log.text(), "warning: a/m.gltf: the glTF extension KHR_materials_transmission is not honoured\n");
  file.json["extensionsRequired"] = {"EXT_new_geometry"};
  EXPECT_EQ(error_of([&] { file.read(); }), "a/m.gltf: it requires the glTF extension EXT_new_geometry, which is not read");
}

TEST(GltfDamage, IsAnErrorThatNamesTheFile) {
  const auto error_with = [](const std::function<void(GltfFile&)>& change) {
    GltfFile file;
    change(file);
    return error_of([&] { file.read(); });
  };
  EXPECT_EQ(error_with([](GltfFile&) {}), "");
  for (const char* change : {R"([{"op": "replace", "path": "/accessors/0/count", "value": 4}])",
                             R"([{"op": "replace", "path": "/accessors/0/count", "value": -1}])",
                             R"([{"op": "replace", "path": "/accessors/0/count", "value": 1e300}])",
                             R"([{"op": "replace", "path": "/nodes/0/mesh", "value": 7}])",
                             R"([{"op": "replace", "path": "/accessors/0/type", "value": "VEC2"}])",
                             R"([{"op": "add", "path": "/nodes/0/children", "value": [0]}])",
                             R"([{"op": "replace", "path": "/bufferViews/0/byteOffset", "value": 100000}])",
                             R"([{"op": "replace", "path": "/asset", "value": 3}])",
                             R"([{"op": "replace", "path": "/asset/version", "value": "1.0"}])",
                             R"([{"op": "replace", "path": "/nodes", "value": "none"}])",
                             R"([{"op": "add", "path": "/nodes/0/matrix", "value": [1, 2]}])",
                             R"([{"op": "replace", "path": "/scene", "value": 3}])"}) {
    const std::string message = error_with([&](GltfFile& file) { file.json = file.json.patch(Json::parse(change)); });
    EXPECT_NE(message, "") << change;
  }
  EXPECT_THAT(error_with([](GltfFile& file) { file.primitive()["mode"] = 1; }), HasSubstr("no triangles"));
}

TEST(GltfDamage, FlippedBytesAreErrorsOrObjects) {
  GltfFile file;
  file.files["a/t.png"] = png(1, 2, 3);
  file.texture("t.png");
  file.attribute("COLOR_0", file.numbers<uint8_t>({0, 0, 0, 0, 51, 102, 255, 51, 0, 0, 0, 0}, "VEC4", true));
  file.json["nodes"] = Json::parse(R"([{"mesh": 0, "skin": 0}, {"translation": [0, 5, 0], "children": [2]}, {}])");
  file.json["skins"] = Json::array({{{"joints", {1, 2}}}});
  file.attribute("JOINTS_0", file.numbers<uint8_t>({0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0}, "VEC4"));
  file.attribute("WEIGHTS_0", file.numbers<float>({1, 0, 0, 0, 1, 0, 0, 0, 0.5F, 0.5F, 0, 0}, "VEC4"));
  file.primitive()["indices"] = file.numbers<uint16_t>({0, 1, 2}, "SCALAR");
  ASSERT_EQ(file.read().triangles.size(), 1U);
  const CapturedLog log;
  auto all = file.files;
  file.json["buffers"] = {{{"byteLength", file.buffer.size()}, {"uri", "m.bin"}}};
  all["a/m.bin"] = file.buffer;
  const std::string text = json_text(file.json);
  int64_t objects = 0;
  const auto read = [&](const char* name, const std::string& bad) {
    auto files = all;
    files["a/m.gltf"] = text;
    files[name] = bad;
    if (error_of([&] { read_gltf(testing::MemoryFiles(files), "a/m.gltf"); }).empty()) ++objects;
  };
  testing::for_each_flipped_byte(
      text, [&](const std::string& bad, size_t) { read("a/m.gltf", bad); }, 1);
  testing::for_each_flipped_byte(
      file.buffer, [&](const std::string& bad, size_t) { read("a/m.bin", bad); }, 1);
  EXPECT_GT(objects, 10);
}

}  // namespace
}  // namespace gsv3d
