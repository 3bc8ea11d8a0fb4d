#include "dataset/object_source.h"

#include <gmock/gmock.h>

#include "core/atomic_file.h"
#include "core/config.h"
#include "damaged_files.h"
#include "memory_files.h"
#include "objects/byte_stream.h"
#include "objects/furniture_catalog.h"
#include "objects/gltf_reader.h"
#include "objects/object_pack.h"
#include "zip_bytes.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::lacks_library;
using testing::zip_bytes;

const char* const kBox =
    "v -2 0 -1\nv 2 0 -1\nv 2 3 -1\nv -2 3 -1\nv -2 0 1\nv 2 0 1\nv 2 3 1\nv -2 3 1\n"
    "f 1 2 3 4\nf 5 6 7 8\nf 1 2 6 5\nf 4 3 7 8\nf 1 4 8 5\nf 2 3 7 6\n";

std::filesystem::path furniture_library(const std::filesystem::path& folder) {
  const std::string catalog =
      "# a library\nid#1=first\nname#1=Table \\u00e9\ncreator#1=Jos\xe9\nmodel#1=/models/box.obj\n"
      "id#2=second\nname#2=\\\n  Chair\nmodel#2=/models/box.obj\nmodelRotation#2=0 0 1 0 1 0 -1 0 0\nid#3=no model\n";
  const auto path = folder / "set.sh3f";
  write_file(path, zip_bytes({{"PluginFurnitureCatalog.properties", catalog}, {"models/box.obj", kBox}}));
  return path;
}

/// Smallest and largest coordinate along an axis.
std::pair<float, float> extent(const Object& object, int axis) {
  float low = 1e9F, high = -1e9F;
  for (const auto& position : object.positions) {
    low = std::min(low, position[axis]);
    high = std::max(high, position[axis]);
  }
  return {low, high};
}

TEST(FurnitureLibrary, CatalogueAndRotation) {
  testing::TemporaryFolder folder;
  const auto path = furniture_library(folder.path());
  if (lacks_library([&] { open_zip(path); })) GTEST_SKIP() << "built without libzip";
  const auto entries = list_objects(folder.path(), {});
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].id, "set/first");
  EXPECT_EQ(entries[0].name, "Table \xc3\xa9");
  EXPECT_EQ(entries[0].author, "Jos\xc3\xa9");
  EXPECT_EQ(entries[1].name, "Chair");
  const Object upright = entries[0].load(), turned = entries[1].load();
  // The box is 4 x 3 x 2: half its diagonal is 2.6926, which is scaled to 0.57.
  EXPECT_NEAR(extent(upright, 0).second, 2 * 0.57 / 2.6926, 1e-4);
  EXPECT_NEAR(extent(turned, 2).second, 2 * 0.57 / 2.6926, 1e-4);
  EXPECT_NEAR(extent(turned, 1).first, -1.5 * 0.57 / 2.6926, 1e-4);
}

TEST(FurnitureLibrary, SplitTableSelects) {
  testing::TemporaryFolder folder;
  const auto path = furniture_library(folder.path());
  if (lacks_library([&] { open_zip(path); })) GTEST_SKIP() << "built without libzip";
  const auto table = folder.path() / "split.csv";
  write_file(table,
             "id,split,usable,name,licence,author,package_file,zip_path,model_rotation,group\n"
             "a/1,train,1,\"Box, large\",CC0,Me,usr/share/set.sh3f,models/box.obj,,g\n"
             "a/2,val,1,Box,CC0,Me,usr/share/set.sh3f,MODELS/box.obj,1 0 0 0 1 0 0 0 1,g\n"
             "a/3,train,0,Box,CC0,Me,usr/share/set.sh3f,models/box.obj,,g\n"
             "a/4,train,1,Box,CC0,Me,usr/share/other.sh3f,models/box.obj,,g\n");
  const auto train = list_objects(folder.path(), {table, "train", 0});
  ASSERT_EQ(train.size(), 1U);
  EXPECT_EQ(train[0].name, "Box, large");
  EXPECT_EQ(train[0].group, "g");
  EXPECT_EQ(list_objects(folder.path(), {table, "val", 0})[0].load().triangles.size(), 12U);
  EXPECT_THAT(error_of([&] { list_objects(folder.path(), {table, "nothing", 0}); }), HasSubstr("no objects found in split"));
}

TEST(FurnitureLibrary, DamagedArchivesAreErrors) {
  testing::TemporaryFolder folder;
  const auto path = furniture_library(folder.path());
  if (lacks_library([&] { open_zip(path); })) GTEST_SKIP() << "built without libzip";
  std::string bytes = read_file(path);
  bytes[bytes.find("v -2 0 -1")] = 'x';  // the checksum no longer fits
  write_file(path, bytes);
  EXPECT_THAT(error_of([&] { list_objects(path, {})[0].load(); }), HasSubstr("damaged"));
  write_file(path, "not a zip");
  EXPECT_THAT(error_of([&] { list_objects(path, {}); }), HasSubstr("zip archive"));
}

TEST(Folder, FilesSplitAndLimit) {
  testing::TemporaryFolder folder;
  for (const char* name : {"a", "b", "c", "d"}) write_file(folder.path() / "sub" / (std::string(name) + ".obj"), kBox);
  write_file(folder.path() / "notes.txt", "no object");
  const auto all = list_objects(folder.path(), {});
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[1].id, "sub/b");
  const auto some = list_objects(folder.path(), {"", "", 2});
  ASSERT_EQ(some.size(), 2U);
  EXPECT_EQ(some[1].id, "sub/c");
  EXPECT_EQ(list_objects(folder.path() / "sub" / "d.obj", {}).size(), 1U);
  EXPECT_THAT(error_of([] { list_objects("/nonexistent", {}); }), HasSubstr("no such file"));
}

TEST(Folder, TexturesOfGoogleScannedObjectsAndOtherLetterCase) {
  testing::TemporaryFolder folder;
  const auto shoe = folder.path() / "Shoe";
  write_file(shoe / "meshes" / "model.obj", std::string("mtllib Model.MTL\nusemtl m\n") + kBox);
  write_file(shoe / "meshes" / "model.mtl", "newmtl m\nmap_Kd texture.png\n");
  write_file(shoe / "materials" / "textures" / "Texture.PNG", encode_png(blank_image(2, 2, 40, 50, 60)));
  for (const auto& source : {folder.path(), shoe / "meshes" / "model.obj", shoe / "meshes"}) {
    const auto entries = list_objects(source, {});
    ASSERT_EQ(entries.size(), 1U);
    const Object object = entries[0].load();
    if (source == shoe / "meshes") {
      EXPECT_TRUE(object.textures.empty()) << "names that lead out of the source are missing files";
      continue;
    }
    ASSERT_EQ(object.textures.size(), 1U) << source;
    EXPECT_EQ(object.textures[0].at(1, 1)[1], 50);
  }
  EXPECT_EQ(list_objects(shoe / "meshes" / "model.obj", {})[0].id, "Shoe");
}

TEST(Folder, NamesThatNoDiskTakesAreMissingFiles) {
  testing::TemporaryFolder folder;
  write_file(folder.path() / "a.obj", std::string("mtllib ") + std::string(5000, 'x') + ".mtl\n" + kBox);
  EXPECT_EQ(list_objects(folder.path(), {})[0].load().triangles.size(), 12U);
}

TEST(Matrix, Texts) {
  EXPECT_EQ(parse_matrix("", "x")[4], 1);
  EXPECT_EQ(parse_matrix(" 0 0 -1 0 1 0 1 0 0 ", "x")[2], -1);
  EXPECT_THROW(parse_matrix("1 2 3", "x"), Error);
  EXPECT_THROW(parse_matrix("1 0 0 0 1 0 0 0 1 5", "x"), Error);
  EXPECT_THROW(parse_matrix("1 0 0 0 nan 0 0 0 1", "x"), Error);
}

/// A red cube from -1 to 1 below a node that lifts it by 5 and doubles it, as binary glTF.
std::string cube_glb() {
  std::string buffer;
  for (int i = 0; i < 8; ++i)
    for (int axis = 0; axis < 3; ++axis) append_number(buffer, i >> axis & 1 ? 1.0F : -1.0F);
  for (uint16_t index :
       {0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5})
    append_number(buffer, index);
  std::string json = R"({"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0]}],
    "nodes":[{"mesh":0,"translation":[0,5,0],"scale":[2,2,2]}],"buffers":[{"byteLength":168}],
    "bufferViews":[{"buffer":0,"byteOffset":0,"byteLength":96,"target":34962},{"buffer":0,"byteOffset":96,"byteLength":72,"target":34963}],
    "accessors":[{"bufferView":0,"componentType":5126,"count":8,"type":"VEC3","min":[-1,-1,-1],"max":[1,1,1]},
                 {"bufferView":1,"componentType":5123,"count":36,"type":"SCALAR"}],
    "materials":[{"pbrMetallicRoughness":{"baseColorFactor":[0.21404114,0,0,0.5]},"alphaMode":"BLEND"}],
    "meshes":[{"primitives":[{"attributes":{"POSITION":0},"indices":1,"material":0}]}]})";
  while (json.size() % 4) json += ' ';
  std::string glb = "glTF";
  append_number(glb, uint32_t{2});
  append_number(glb, static_cast<uint32_t>(28 + json.size() + buffer.size()));
  append_number(glb, static_cast<uint32_t>(json.size()));
  glb += "JSON" + json;
  append_number(glb, static_cast<uint32_t>(buffer.size()));
  return glb + std::string("BIN\0", 4) + buffer;
}

TEST(Gltf, CubeWithNodeTransformAndColour) {
  const testing::MemoryFiles files({{"sub/cube.glb", cube_glb()}});
  const Object object = read_gltf(files, "sub/cube.glb");
  EXPECT_EQ(object.triangles.size(), 12U);
  EXPECT_NEAR(extent(object, 1).first, 3, 1e-5);
  EXPECT_NEAR(extent(object, 1).second, 7, 1e-5);
  EXPECT_NEAR(extent(object, 0).second, 2, 1e-5);
  const Material& material = object.materials[object.triangle_materials[0]];
  EXPECT_NEAR(material.color[0], 0.5, 1e-3) << "glTF's factors are linear light";
  EXPECT_NEAR(material.opacity, 0.5, 1e-5);
  for (const auto& n : object.normals)
    EXPECT_NEAR(std::max({std::abs(n[0]), std::abs(n[1]), std::abs(n[2])}), 1, 1e-5) << "edges stay sharp";
}

TEST(Gltf, DamagedFilesAreErrors) {
  const std::string glb = cube_glb();
  const testing::MemoryFiles files({{"cut.glb", glb.substr(0, 300)}, {"junk.glb", std::string(500, 'x')}, {"empty.glb", ""}});
  for (const char* name : {"cut.glb", "junk.glb", "empty.glb", "missing.glb"})
    EXPECT_NE(error_of([&] { read_gltf(files, name); }), "") << name;
}

Object textured_sphere() {
  Object object = testing::sphere(0.5F, 24, 48);
  Image image = blank_image(300, 150, 0, 0, 0);
  for (int64_t y = 0; y < 150; ++y)
    for (int64_t x = 0; x < 300; ++x) {
      image.at(x, y)[0] = static_cast<uint8_t>(x * 255 / 299);
      image.at(x, y)[1] = static_cast<uint8_t>(y * 255 / 149);
      image.at(x, y)[2] = 90;
    }
  object.textures = {blank_image(4, 4, 1, 2, 3), image};  // the first is used by nothing
  object.materials[0] = {{1, 1, 1}, 0.75F, 1};
  return object;
}

TEST(Pack, QuantisationErrorsAreBounded) {
  const Object object = textured_sphere();
  PackOptions options;
  options.texture_size = 150;
  std::string bytes;
  if (lacks_library([&] { bytes = pack_object(object, options); })) GTEST_SKIP() << "built without libwebp";
  const Object packed = unpack_object(bytes, "test");
  ASSERT_EQ(packed.triangles.size(), object.triangles.size());
  ASSERT_EQ(packed.textures.size(), 1U);
  EXPECT_EQ(packed.textures[0].width, 150);
  EXPECT_EQ(packed.textures[0].height, 75);
  EXPECT_NEAR(packed.textures[0].at(149, 0)[0], 255, 8);
  EXPECT_FLOAT_EQ(packed.materials[0].opacity, 0.75F);
  double position = 0, uv = 0, angle = 0;
  for (size_t t = 0; t < object.triangles.size(); ++t)
    for (int k = 0; k < 3; ++k) {
      const uint32_t a = object.triangles[t][k], b = packed.triangles[t][k];
      double along = 0;
      for (int axis = 0; axis < 3; ++axis) {
        position = std::max(position, std::abs(static_cast<double>(object.positions[a][axis]) - packed.positions[b][axis]));
        along += static_cast<double>(object.normals[a][axis]) * packed.normals[b][axis];
      }
      for (int axis = 0; axis < 2; ++axis)
        uv = std::max(uv, std::abs(static_cast<double>(object.uvs[a][axis]) - packed.uvs[b][axis]));
      angle = std::max(angle, std::acos(std::min(1.0, along)) * 180 / 3.14159265);
    }
  EXPECT_LE(position, 0.5 / 2047 + 1e-6);
  EXPECT_LE(uv, 0.5 / 4096 + 1e-6);
  EXPECT_LE(angle, 1.0);
}

TEST(Pack, KeepsColoursEmissionAndAlpha) {
  Object object = textured_sphere();
  std::string plain, bytes;
  if (lacks_library([&] { plain = pack_object(object, {}); })) GTEST_SKIP() << "built without libwebp";
  object.colors.assign(object.positions.size(), {0.25F, 1, 0, 0.5F});
  Material& material = object.materials[0];
  material.alpha_cutoff = 0;
  material.alpha_blends = true;
  material.wrap = {Wrap::clamp, Wrap::mirror};
  material.unlit = true;
  material.emission = {0.5F, 0, 1};
  material.emission_texture = 0;
  bytes = pack_object(object, {});
  const Object packed = unpack_object(bytes, "test");
  EXPECT_EQ(packed.textures.size(), 2U) << "the emission's, too, is in use";
  const Material& kept = packed.materials[0];
  EXPECT_EQ(kept.alpha_cutoff, 0);
  EXPECT_TRUE(kept.alpha_blends && kept.unlit);
  EXPECT_EQ(kept.wrap, material.wrap);
  EXPECT_EQ(kept.emission, material.emission);
  EXPECT_EQ(packed.textures[static_cast<size_t>(kept.emission_texture)].width, 4);
  ASSERT_EQ(packed.colors.size(), packed.positions.size());
  for (int k = 0; k < 4; ++k) EXPECT_NEAR(packed.colors[7][k], object.colors[7][k], 1e-5);
  // Packs from before end behind the textures; objects without any of this still do.
  EXPECT_LT(plain.size() + object.positions.size(), bytes.size());
  EXPECT_TRUE(unpack_object(plain, "test").colors.empty());
  testing::for_each_flipped_byte(
      bytes, [&](const std::string& bad, size_t) { error_of([&] { unpack_object(bad, "damaged"); }); }, 97);
  EXPECT_NE(error_of([&] { unpack_object(bytes.substr(0, bytes.size() - 1), "damaged"); }), "");
}

TEST(Pack, DamagedObjectsAreErrors) {
  std::string bytes;
  if (lacks_library([&] { bytes = pack_object(textured_sphere(), {}); })) GTEST_SKIP() << "built without libwebp";
  const auto unpack = [](const std::string& bad) { return error_of([&] { unpack_object(bad, "damaged"); }); };
  testing::for_each_cut(
      bytes, [&](const std::string& bad, size_t size) { EXPECT_NE(unpack(bad), "") << size; }, 97);
  // Any flipped byte: an error or an object, never a crash.
  testing::for_each_flipped_byte(
      bytes, [&](const std::string& bad, size_t) { unpack(bad); }, 97);
}

TEST(Pack, FileRoundTrip) {
  testing::TemporaryFolder folder;
  write_file(folder.path() / "in" / "box.obj", kBox);
  write_file(folder.path() / "in" / "broken.obj", "nothing");
  const auto path = folder.path() / "objects.pack";
  const auto entries = list_objects(folder.path() / "in", {});
  EXPECT_EQ(write_object_pack(path, entries, {}), 1);
  const auto packed = list_objects(path, {});
  ASSERT_EQ(packed.size(), 1U);
  EXPECT_EQ(packed[0].id, "box");
  EXPECT_EQ(packed[0].load().triangles.size(), 12U);
  EXPECT_NEAR(extent(packed[0].load(), 0).second, 2 * 0.57 / 2.6926, 0.5 / 2047 + 1e-6);
  std::string bytes = read_file(path);
  write_file(path, bytes.substr(0, bytes.size() - 5));
  EXPECT_THAT(error_of([&] { list_pack(path); }), HasSubstr("outside of the file"));
  bytes[8] = '\x7f';
  write_file(path, bytes);
  EXPECT_NE(error_of([&] { list_pack(path); }), "");
}

}  // namespace
}  // namespace gsv3d
