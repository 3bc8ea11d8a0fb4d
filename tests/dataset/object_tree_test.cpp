// What objects of known folder layouts are called and which way up they are.
#include "dataset/object_tree.h"

#include <gmock/gmock.h>

#include "core/atomic_file.h"
#include "memory_files.h"
#include "zip_bytes.h"

namespace gsv3d {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::lacks_library;
using testing::TemporaryFolder;

/// A flat triangle, 0.4 along x, 0.2 along y, 0.8 along z.
const char* const kTriangle = "v 0 0 0\nv 0.4 0.2 0\nv 0.4 0.2 0.8\nf 1 2 3\n";

std::vector<std::string> ids(const std::vector<ObjectEntry>& entries) {
  std::vector<std::string> result;
  for (const ObjectEntry& entry : entries) result.push_back(entry.id);
  return result;
}

/// Sides of the box around it.
std::array<float, 3> sides(const Object& object) {
  std::array<float, 3> low = object.positions.at(0), high = low;
  for (const auto& position : object.positions)
    for (size_t axis = 0; axis < 3; ++axis)
      low[axis] = std::min(low[axis], position[axis]), high[axis] = std::max(high[axis], position[axis]);
  return {high[0] - low[0], high[1] - low[1], high[2] - low[2]};
}

TEST(ObjectTree, GazeboModelsAreNamedByTheirFolderAndTurnedUpright) {
  const TemporaryFolder folder;
  write_file(folder / "Shoe/meshes/model.obj", kTriangle);
  write_file(folder / "maker/Cup/meshes/model.obj", kTriangle);
  const auto entries = list_object_tree(folder.path());
  EXPECT_THAT(ids(entries), ElementsAre("Shoe", "maker/Cup"));
  const Object object = entries[0].load();
  const auto [x, y, z] = sides(object);  // Gazebo's z, the longest, is our y
  EXPECT_NEAR(x / y, 0.5, 1e-5);
  EXPECT_NEAR(z / y, 0.25, 1e-5);
  // The corner at the origin is the lowest, and Gazebo's smallest y is our largest z: the front.
  EXPECT_NEAR(object.positions[0][1], -y / 2, 1e-5);
  EXPECT_NEAR(object.positions[0][2], z / 2, 1e-5);
  EXPECT_THAT(ids(list_object_tree(folder / "Shoe")), ElementsAre("Shoe"));
  EXPECT_THAT(ids(list_object_tree(folder / "Shoe/meshes/model.obj")), ElementsAre("Shoe"));
}

TEST(ObjectTree, ObjaversesFilesAreNamedByTheirUid) {
  const TemporaryFolder folder;
  const std::string uid = "0123456789abcdef0123456789abcdef";
  for (const std::string& name : {"glbs/000-023/" + uid + ".glb", std::string("b/chair.glb"), std::string("a/" + uid + "0.glb")})
    write_file(folder / name, "glTF");
  EXPECT_THAT(ids(list_object_tree(folder.path())), ElementsAre("a/" + uid + "0", "b/chair", uid));
}

TEST(ObjectTree, ArchivesOfOneObjectAreObjects) {
  const TemporaryFolder folder;
  write_file(folder / "Cup.zip", testing::zip_bytes({{"model.config", ""}, {"meshes/model.obj", kTriangle}}));
  write_file(folder / "Plain.zip", testing::zip_bytes({{"deep/chair.obj", kTriangle}}));
  write_file(folder / "Two.zip", testing::zip_bytes({{"a.obj", kTriangle}, {"b.obj", kTriangle}}));
  write_file(folder / "Damaged.zip", "PK");
  write_file(folder / "Shoe/meshes/model.obj", kTriangle);
  write_file(folder / "Shoe.zip", "the same again");
  if (lacks_library([&] { open_zip(folder / "Cup.zip"); })) GTEST_SKIP() << "built without libzip";
  const auto entries = list_object_tree(folder.path());
  ASSERT_THAT(ids(entries), ElementsAre("Cup", "Damaged", "Plain", "Shoe", "Two"));
  EXPECT_GT(sides(entries[0].load())[1], 0.9) << "turned";
  EXPECT_GT(sides(entries[2].load())[2], 0.9) << "as it is";
  EXPECT_THAT(error_of([&] { entries[1].load(); }), HasSubstr("Damaged.zip"));
  EXPECT_THAT(error_of([&] { entries[4].load(); }), HasSubstr("Two.zip: holds 2 object files, one is expected"));
  write_file(folder / "chair.obj", kTriangle);
  EXPECT_THAT(ids(list_object_tree(folder.path())), ElementsAre("Shoe", "chair")) << "textures may lie in archives";
}

}  // namespace
}  // namespace gsv3d
