// gsv3d convert as users run it, and an independent program reading what it writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/safetensors.h"
#include "gaussian_files/gaussian_file.h"
#include "goldens.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using testing::expect_near;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using testing::TemporaryFolder;

namespace fs = std::filesystem;

/// Gaussians in the unit cube that every format can hold: colours inside 0-1, harmonics inside ±0.9.
Gaussians moderate_gaussians(int64_t count, int64_t coefficients) {
  const auto generator = make_generator(21);
  const auto uniform = [&](at::IntArrayRef shape) { return at::rand(shape, generator, at::kFloat); };
  return {uniform({count, 3}) - 0.5, randn({count, 4}, generator), 0.01 + 0.09 * uniform({count, 3}),
          0.05 + 0.9 * uniform({count}), (0.4 * randn({count, coefficients, 3}, generator)).clamp(-0.9, 0.9)};
}

/// Tolerances for a file that went through one lossy format: the coarsest of SPZ, compressed PLY and .splat.
void expect_same_object(const Gaussians& read, const Gaussians& written, const std::string& what) {
  ASSERT_EQ(read.count(), written.count()) << what;
  const auto back = read.select(at::cdist(written.means, read.means).argmin(1));  // some formats reorder
  expect_near(back.means, written.means, 6e-4, what + " position");
  expect_near(back.scales.log(), written.scales.log(), 0.032, what + " log scale");
  expect_near(sh_to_rgb(back.sh), sh_to_rgb(written.sh), 0.004, what + " colour");
  expect_near(back.opacities, written.opacities, 0.0041, what + " opacity");
  const auto unit = [](const Tensor& q) { return q.to(at::kDouble) / q.to(at::kDouble).norm(2, 1, true); };
  const Tensor dots = (unit(back.quats) * unit(written.quats)).sum(1).abs().clamp_max(1);
  EXPECT_LE(2 * dots.acos().max().item<double>() * 180 / M_PI, 1.6) << what << " rotation, degrees";
  if (back.sh.size(1) > 1 && written.sh.size(1) > 1) expect_near(back.sh, written.sh, 0.07, what + " harmonics");
}

TEST(Convert, EveryFormatToEveryOther) {
  const TemporaryFolder folder;
  const auto g = moderate_gaussians(300, 4);
  write_gaussians(folder / "a.ply", g);
  for (const char* to : {"b.ply", "b.compressed.ply", "b.spz", "b.glb", "b.splat"}) {
    const ProgramResult result = run_program(folder.path(), fmt::format("convert a.ply {}", to));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("300 Gaussians"));
    const ProgramResult back = run_program(folder.path(), fmt::format("convert {} c.ply --quiet", to));
    EXPECT_EQ(back.code, 0) << back.err;
    EXPECT_EQ(back.out, "");
    expect_same_object(read_gaussians(folder / "c.ply").gaussians, g, to);
  }
}

TEST(Convert, ScaleDegreePruneAndUp) {
  const TemporaryFolder folder;
  const auto g = moderate_gaussians(300, 16);
  write_gaussians(folder / "a.ply", g);
  EXPECT_EQ(run_program(folder.path(), "convert a.ply b.ply --scale 2 --sh 1 --prune 0.5 --up z --ply-full").code, 0);
  const std::string bytes = read_file(folder / "b.ply");
  EXPECT_THAT(bytes.substr(0, 200), HasSubstr("comment frame: RFU"));
  EXPECT_THAT(bytes, HasSubstr("property float f_rest_44"));
  const auto kept = g.select(g.opacities >= 0.5);
  const auto read = read_gaussians(folder / "b.ply").gaussians;  // the comment names the frame
  ASSERT_EQ(read.count(), kept.count());
  expect_near(read.means, 2 * kept.means, 1e-6, "position");
  expect_near(read.scales, 2 * kept.scales, 1e-6, "scale");
  expect_near(read.sh.slice(1, 0, 4), kept.sh.slice(1, 0, 4), 1e-5, "harmonics up to degree 1");
  EXPECT_EQ(read.sh.slice(1, 4).abs().max().item<float>(), 0);
  const auto raw = read_gaussians(folder / "b.ply", {Frame::kWorld}).gaussians;
  expect_near(raw.means.select(1, 2), 2 * kept.means.select(1, 1), 1e-6, "z of the file is up");
  EXPECT_EQ(run_program(folder.path(), "convert a.ply d.spz --spz-version 4").code, 0);
  EXPECT_EQ(read_file(folder / "d.spz").substr(0, 5), std::string("NGSP\x04"));
}

TEST(Convert, FailuresAreOneLineAndLeaveNothing) {
  const TemporaryFolder folder;
  write_gaussians(folder / "a.ply", moderate_gaussians(30, 1));
  const std::string bytes = read_file(folder / "a.ply");
  write_file(folder / "cut.ply", bytes.substr(0, bytes.size() - 7));
  write_file(folder / "text.ply", "hello");
  const auto expect_failure = [&](const std::string& arguments, int code, const char* part) {
    SCOPED_TRACE(arguments);
    testing::expect_one_line(run_program(folder.path(), arguments), code, part);
    EXPECT_FALSE(fs::exists(folder / "b.spz"));
  };
  expect_failure("convert cut.ply b.spz", 1, "cut off");
  expect_failure("convert text.ply b.spz", 1, "not a file of Gaussians");
  expect_failure("convert missing.ply b.spz", 1, "no such file");
  expect_failure("convert a.ply b.obj", 2, "no format");
  expect_failure("convert a.ply b.sog", 2, "not written");
  expect_failure("convert a.ply b.spz --spz-version 2", 2, "2");
  expect_failure("convert a.ply b.spz --up x", 2, "--up");
  expect_failure("convert a.ply b.spz --scale 0", 2, "--scale");
  expect_failure("convert a.ply", 2, "output");
}

TEST(Convert, BadRowsAreLeftOutWithAWordOrRefused) {
  const TemporaryFolder folder;
  write_gaussians(folder / "a.ply", moderate_gaussians(30, 1));
  std::string bytes = read_file(folder / "a.ply");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  bytes.replace(bytes.size() - 68, 4, reinterpret_cast<const char*>(&nan), 4);
  write_file(folder / "nan.ply", bytes);
  const ProgramResult result = run_program(folder.path(), "convert nan.ply b.ply");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("29 Gaussians"));
  EXPECT_THAT(result.err, HasSubstr("nan.ply: 1 of 30 rows are no Gaussians"));
  testing::expect_one_line(run_program(folder.path(), "convert nan.ply c.ply --strict"), 1, "1 of 30 rows are no Gaussians");
  EXPECT_FALSE(fs::exists(folder / "c.ply"));
  testing::expect_one_line(run_program(folder.path(), "view nan.ply -o c.html --strict"), 1, "1 of 30 rows");
}

TEST(Convert, OneFarGaussianDoesNotCostTheOthersTheirPlaces) {
  const TemporaryFolder folder;
  auto g = moderate_gaussians(3000, 1);
  g.means[7][1] = 1e6f;
  write_gaussians(folder / "a.ply", g);
  const ProgramResult result = run_program(folder.path(), "convert a.ply b.spz");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("b.spz: 1 of 3000 Gaussians are left out"));
  const auto back = read_gaussians(folder / "b.spz").gaussians;
  ASSERT_EQ(back.count(), 2999);
  expect_near(back.means, at::cat({g.means.slice(0, 0, 7), g.means.slice(0, 8)}), 5e-4, "position");
}

/// The command that runs splat-transform, or nothing when scripts/test_tools.sh has not installed it.
std::string splat_transform() {
  const fs::path program = fs::path(GSV3D_SOURCE_DIR) / ".cache/node/node_modules/@playcanvas/splat-transform/bin/cli.mjs";
  if (!fs::exists(program) || std::system("node --version >/dev/null 2>&1") != 0) return {};
  return "node '" + program.string() + "' --quiet --overwrite ";
}

class SplatTransform : public ::testing::Test {
 protected:
  void SetUp() override {
    program_ = splat_transform();
    if (program_.empty()) GTEST_SKIP() << "splat-transform is not installed: scripts/test_tools.sh does it";
  }
  /// Converts a file of the folder. What counts is what it wrote: its exit code is 0 for files it only half read.
  void convert(const char* from, const char* to, const std::string& options = "") {
    fs::remove(folder_ / to);
    const std::string command =
        fmt::format("cd '{}' && {} {} {} {} >log 2>&1", folder_.path().string(), program_, from, options, to);
    const int status = std::system(command.c_str());
    ASSERT_TRUE(status == 0 && fs::exists(folder_ / to)) << read_file(folder_ / "log");
  }

  TemporaryFolder folder_;
  std::string program_;
};

TEST_F(SplatTransform, ReadsWhatWeWrite) {
  for (const int64_t coefficients : {1, 16}) {
    const auto g = moderate_gaussians(600, coefficients);
    write_gaussians(folder_ / "a.ply", g);
    for (const char* name : {"b.ply", "b.compressed.ply", "b.spz", "b.splat"}) {
      ASSERT_EQ(run_program(folder_.path(), fmt::format("convert a.ply {}", name)).code, 0);
      convert(name, "read.ply");
      expect_same_object(read_gaussians(folder_ / "read.ply", {Frame::kYDown}).gaussians, g, name);
    }
    ASSERT_EQ(run_program(folder_.path(), "convert a.ply b4.spz --spz-version 4").code, 0);
    convert("b4.spz", "read.ply");
    expect_same_object(read_gaussians(folder_ / "read.ply", {Frame::kYDown}).gaussians, g, "SPZ 4");
  }
}

TEST_F(SplatTransform, WritesWhatWeRead) {
  const auto g = moderate_gaussians(600, 16);
  write_gaussians(folder_ / "a.ply", g);
  for (const char* name : {"b.ply", "b.compressed.ply", "b.spz"}) {
    convert("a.ply", name);
    expect_same_object(read_gaussians(folder_ / name).gaussians, g, name);
  }
  // It turns PLY files about z where we turn about x: its glTF object has its back to +Z.
  convert("a.ply", "b.glb");
  auto turned = read_gaussians(folder_ / "b.glb").gaussians;
  expect_near(turned.means, g.means * at::tensor({-1.0f, 1.0f, -1.0f}), 1e-5, "position in glTF");
  expect_near(turned.scales, g.scales, 1e-5, "scale in glTF");
  expect_near(turned.sh.select(1, 0), g.sh.select(1, 0), 1e-5, "colour in glTF");
  // Degree 1 is ordered (-y, z, -x): half a turn about y changes the signs of the last two.
  expect_near(turned.sh.slice(1, 1, 4), g.sh.slice(1, 1, 4) * at::tensor({1.0f, -1.0f, -1.0f}).view({1, 3, 1}), 1e-5, "degree 1");
}

}  // namespace
}  // namespace gsv3d
