// gsv3d mesh as a user runs it: files that other programs accept, and one line for everything that is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "gaussian_files/ply.h"
#include "program.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using testing::TemporaryFolder;

#if GSV3D_WITH_MESH_LIBRARIES

/// A grey ball of 3,000 Gaussians.
Gaussians ball(float opacity) {
  const auto generator = make_generator(5);
  Tensor directions = randn({3000, 3}, generator);
  directions = directions / directions.norm(2, 1, true);
  return {0.4 * directions, at::tensor({1.F, 0.F, 0.F, 0.F}).repeat({3000, 1}), at::full({3000, 3}, 0.03F),
          at::full({3000}, opacity), rgb_to_sh(at::full({3000, 3}, 0.5F))};
}

class MeshCommand : public testing::CommandTest {
 protected:
  MeshCommand() : CommandTest("mesh") { write_ply(folder_ / "ball.ply", ball(0.9F)); }
  void expect_one_line(const ProgramResult& result, int code, const std::string& part) const {
    testing::expect_one_line(result, code, part);
    EXPECT_EQ(result.out, "");
    for (const auto& entry : fs::directory_iterator(folder_.path())) EXPECT_EQ(entry.path().extension(), ".ply") << entry.path();
  }
};

TEST_F(MeshCommand, GlbPassesKhronosValidator) {
  const ProgramResult result = run("ball.ply --resolution 48 --texture-size 128 --triangles 2000 --watertight");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("ball.glb: "));
  const std::string command = GSV3D_SOURCE_DIR "/scripts/check_glb.sh '" + (folder_ / "ball.glb").string() + "'";
  const int status = std::system(command.c_str());
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "glTF Validator is not there: it needs npm";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(MeshCommand, EveryFormat) {
  for (const char* name : {"a.obj", "b.ply", "c.stl", "d.GLB"}) {
    const ProgramResult result = run(std::string("ball.ply --quiet --resolution 32 --texture-size 64 -o ") + name);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out + result.err, "");
    EXPECT_TRUE(fs::exists(folder_ / name));
  }
  EXPECT_TRUE(fs::exists(folder_ / "a.mtl") && fs::exists(folder_ / "a.png"));
}

/// The largest and smallest z of a binary STL file.
std::pair<float, float> stl_z_range(const std::string& bytes) {
  std::pair<float, float> range = {1e30F, -1e30F};
  for (size_t triangle = 84; triangle + 50 <= bytes.size(); triangle += 50) {
    for (int corner = 0; corner < 3; ++corner) {
      float z;
      std::memcpy(&z, bytes.data() + triangle + 12 + 12 * corner + 8, 4);
      range = {std::min(range.first, z), std::max(range.second, z)};
    }
  }
  return range;
}

TEST_F(MeshCommand, HeightInMillimetres) {
  const ProgramResult result = run("ball.ply --quiet --resolution 32 --height 1.5in -o a.stl");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto [low, high] = stl_z_range(read_file(folder_ / "a.stl"));
  EXPECT_NEAR(high - low, 38.1, 1e-3);
  fs::remove(folder_ / "a.stl");
  ASSERT_EQ(run("ball.ply --resolution 32 --up y -o a.stl").code, 0);
  const auto [front, back] = stl_z_range(read_file(folder_ / "a.stl"));
  EXPECT_NEAR(back - front, 100, 6);  // a ball whose longest side is 100 mm where no size is given
  fs::remove(folder_ / "a.stl");
  expect_one_line(run("ball.ply --up z -o b.glb"), 2, "glTF");
  expect_one_line(run("ball.ply --up x -o b.obj"), 2, "--up");
  expect_one_line(run("ball.ply --size 12 -o b.glb"), 2, "unit");
  expect_one_line(run("ball.ply --size 0mm -o b.glb"), 2, "0.1 mm");
}

TEST_F(MeshCommand, AnObjectForSimulators) {
  expect_one_line(run("ball.ply --mass 2 -o a.obj"), 2, "--urdf");
  const ProgramResult result = run("ball.ply --resolution 32 --size 10cm --urdf --mass 2 -o a.obj");
  if (result.err.find("GSV3D_WITH_QHULL") != std::string::npos) GTEST_SKIP() << "built without Qhull";
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a.urdf: 2 kg"));
  EXPECT_THAT(read_file(folder_ / "a.urdf"), HasSubstr("<mass value=\"2\"/>"));
  EXPECT_TRUE(fs::exists(folder_ / "a_collision.obj"));
}

TEST_F(MeshCommand, WhatCannotBecomeAMesh) {
  expect_one_line(run("nowhere.ply"), 1, "nowhere.ply");
  write_ply(folder_ / "glass.ply", ball(0.01F));
  expect_one_line(run("glass.ply"), 1, "transparent");
  write_ply(folder_ / "none.ply", ball(0.9F).select(at::zeros({3000}, at::kBool)));
  expect_one_line(run("none.ply"), 1, "no Gaussians");
  const std::string whole = read_file(folder_ / "ball.ply");
  write_file(folder_ / "cut.ply", whole.substr(0, whole.size() / 2));
  expect_one_line(run("cut.ply"), 1, "cut.ply");
  write_file(folder_ / "text.ply", "ply\nformat ascii 1.0\n");
  expect_one_line(run("text.ply"), 1, "text.ply");
}

TEST_F(MeshCommand, WrongUsage) {
  expect_one_line(run("ball.ply -o a.fbx"), 2, ".glb");
  expect_one_line(run("ball.ply -o ball.ply"), 2, "replace");
  expect_one_line(run("ball.ply --resolution 5"), 2, "resolution");
  expect_one_line(run("ball.ply --triangles -1"), 2, "triangles");
  expect_one_line(run(""), 2, "object");
}

TEST_F(MeshCommand, DiskFull) {
  expect_one_line(run("ball.ply --quiet --resolution 32 -o big.glb", "ulimit -f 4;"), 1, "cannot write");
}

#else

TEST(MeshCommand, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  Gaussians one{at::zeros({1, 3}), at::ones({1, 4}), at::ones({1, 3}), at::ones({1}), at::zeros({1, 1, 3})};
  write_ply(folder / "one.ply", one);
  const ProgramResult result = run_program(folder.path(), "mesh one.ply");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("GSV3D_WITH_MESH_LIBRARIES"));
}

#endif

}  // namespace
}  // namespace gsv3d
