// A mesh comes back from its GLB file to the last bit, so that what is made of it later is what would have been made at once.
#include "mesh/read_glb.h"

#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/glb_container.h"
#include "errors.h"
#include "mesh/mesh_files.h"
#include "mesh/physical_size.h"
#include "temporary_folder.h"

namespace gsv3d::testing {
namespace {

/// A tetrahedron with numbers that no short text holds, a texture of 5 x 3 pixels and a seam.
Mesh textured_tetrahedron() {
  Mesh mesh;
  mesh.positions = {{0.1F, 1 / 3.0F, 0}, {1, 0, 1e-7F}, {0, 0.7F, 0}, {0, 0, 0.25F}, {0.1F, 1 / 3.0F, 0}};
  mesh.triangles = {{0, 2, 1}, {4, 1, 3}, {0, 3, 2}, {1, 2, 3}};
  mesh.normals = vertex_normals(mesh);
  mesh.uvs = {{0, 0}, {1, 0.1F}, {0.3F, 1}, {0.5F, 0.5F}, {1 / 7.0F, 1}};
  mesh.texture = blank_image(5, 3, 10, 20, 30);
  for (size_t i = 0; i < mesh.texture.pixels.size(); ++i)
    if (i % 4 != 3) mesh.texture.pixels[i] = static_cast<uint8_t>(31 * i % 251);
  return mesh;
}

void expect_equal(const Mesh& one, const Mesh& other) {
  EXPECT_EQ(one.positions, other.positions);
  EXPECT_EQ(one.triangles, other.triangles);
  EXPECT_EQ(one.normals, other.normals);
  EXPECT_EQ(one.uvs, other.uvs);
  EXPECT_EQ(one.texture.width, other.texture.width);
  EXPECT_EQ(one.texture.pixels, other.texture.pixels);
  EXPECT_EQ(one.unit, other.unit);
  EXPECT_EQ(one.up, other.up);
}

TEST(ReadGlb, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const Mesh textured = textured_tetrahedron(), sized = scaled_to(textured, {SizedSide::kLongest, 0.12});
  Mesh bare = textured;
  bare.normals.clear(), bare.uvs.clear(), bare.texture = {};
  for (const Mesh& mesh : {textured, sized, bare}) {
    write_glb(folder / "object.glb", mesh);
    expect_equal(read_glb_mesh(folder / "object.glb"), mesh);
  }
  // Other formats are the same bytes, whether made of the mesh or of its file.
  write_glb(folder / "object.glb", textured);
  for (const char* name : {"object.obj", "object.ply", "object.stl"}) {
    write_mesh(folder / "direct" / name, textured);
    write_mesh(folder / "later" / name, read_glb_mesh(folder / "object.glb"));
  }
  for (const char* name : {"object.obj", "object.mtl", "object.png", "object.ply", "object.stl"})
    EXPECT_EQ(read_file(folder / "later" / name), read_file(folder / "direct" / name)) << name;
}

TEST(ReadGlb, RefusesWhatItDidNotWrite) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "object.glb";
  write_glb(path, textured_tetrahedron());
  const std::string whole = read_file(path);
  const auto refused = [&](const std::string& bytes, const std::string& part) {
    write_file(path, bytes);
    expect_error([&] { read_glb_mesh(path); }, part, path.string());
  };
  refused("no GLB", "not a GLB file");
  refused(whole.substr(0, whole.size() / 2), "cut off");
  const GlbContainer container = read_glb_container(whole, "whole");
  const auto changed = [&](const std::string& pointer, const Json& value) {
    Json json = Json::parse(container.json);
    json[Json::json_pointer(pointer)] = value;
    write_glb_container(path, json, {*container.binary});
    return read_file(path);
  };
  refused(changed("/accessors/0/componentType", 5123), "not as gsv3d writes them");
  refused(changed("/accessors/0/count", 4), "not as gsv3d writes them");
  refused(changed("/bufferViews/0/byteOffset", 1 << 30), "ends beyond the file");
  refused(changed("/bufferViews/0/byteLength", 48), "not as gsv3d writes them");
  refused(changed("/accessors/0/bufferView", 99), "not a mesh that gsv3d wrote");
  refused(changed("/meshes", Json::array()), "not a mesh that gsv3d wrote");
  refused(changed("/meshes/0/primitives/0/attributes/POSITION", "x"), "not a mesh that gsv3d wrote");
  refused(changed("/meshes/0/primitives/0/attributes/NORMAL", 3), "not as gsv3d writes them");
  expect_error([&] { read_glb_mesh(folder / "missing.glb"); }, "missing.glb");
}

}  // namespace
}  // namespace gsv3d::testing
