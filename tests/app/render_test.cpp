// gsv3d render as users run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gaussian_files/gaussian_file.h"
#include "image/image.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using testing::TemporaryFolder;

namespace fs = std::filesystem;

/// A red ball in front (+Z), a blue one behind, a green one on top, far from the origin and a thousand times our usual size.
void write_balls(const fs::path& path) {
  Gaussians g = {at::tensor({0.0f, 0.0f, 0.3f, 0.0f, 0.0f, -0.3f, 0.0f, 0.4f, 0.0f}).view({3, 3}),
                 at::tensor({1.0f, 0.0f, 0.0f, 0.0f}).repeat({3, 1}), at::full({3, 3}, 0.06), at::ones({3}),
                 rgb_to_sh(at::eye(3).index_select(0, at::tensor({0, 2, 1})))};
  g.means = g.means * 1000 + at::tensor({500.0f, -200.0f, 900.0f});
  g.scales = g.scales * 1000;
  write_gaussians(path, g);
}

std::array<int, 4> pixel(const Image& image, double x, double y) {
  const uint8_t* p = image.at(static_cast<int64_t>(x * image.width), static_cast<int64_t>(y * image.height));
  return {p[0], p[1], p[2], p[3]};
}

/// The colour that dominates, '.' for white or transparent.
char colour_of(const std::array<int, 4>& p) {
  if (p[3] < 128 || (p[0] > 200 && p[1] > 200 && p[2] > 200)) return '.';
  return p[0] > p[1] && p[0] > p[2] ? 'r' : p[1] > p[2] ? 'g' : 'b';
}

TEST(Render, ShowsTheFrontUprightOfAnyFormatAndSize) {
  const TemporaryFolder folder;
  for (const char* object : {"a.ply", "a.splat", "a.spz", "a.glb", "a.compressed.ply"}) {
    write_balls(folder / object);
    const ProgramResult result = run_program(folder.path(), fmt::format("render {} -o v.png --size 96 --elevation 0", object));
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, "v.png\n");
    const Image front = load_image(folder / "v.png");
    EXPECT_EQ(front.width, 96);
    EXPECT_EQ(colour_of(pixel(front, 0.5, 0.72)), 'r') << object;
    EXPECT_EQ(colour_of(pixel(front, 0.5, 0.32)), 'g') << object;
    EXPECT_EQ(colour_of(pixel(front, 0.03, 0.03)), '.') << object;
    ASSERT_EQ(run_program(folder.path(), fmt::format("render {} -o v.png --size 96 --elevation 0 --azimuth 180", object)).code,
              0);
    EXPECT_EQ(colour_of(pixel(load_image(folder / "v.png"), 0.5, 0.72)), 'b') << object;
  }
}

TEST(Render, BackgroundsDepthAndNormals) {
  const TemporaryFolder folder;
  write_balls(folder / "a.ply");
  const std::string command = "render a.ply -o v.png --size 96 --elevation 0 --depth --normals --background ";
  const ProgramResult result = run_program(folder.path(), command + "transparent");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, "v.png\nv_depth.png\nv_normals.png\n");
  const Image cutout = load_image(folder / "v.png");
  EXPECT_TRUE(cutout.has_alpha);
  EXPECT_EQ(pixel(cutout, 0.03, 0.03)[3], 0);
  EXPECT_GE(pixel(cutout, 0.5, 0.72)[3], 240);
  EXPECT_GE(pixel(cutout, 0.5, 0.72)[0], 240);
  // The ball's depth is that of its middle everywhere, so its normals face the camera: (0, 0, 1) → (128, 128, 255).
  const auto normal = pixel(load_image(folder / "v_normals.png"), 0.5, 0.72);
  EXPECT_NEAR(normal[0], 128, 40);
  EXPECT_NEAR(normal[1], 128, 40);
  EXPECT_GE(normal[2], 220);
  // The red ball is nearer than the green one, and nearer is lighter.
  const Image depth = load_image(folder / "v_depth.png");
  const auto lightness = [](const std::array<int, 4>& p) { return p[0] + p[1] + p[2]; };
  EXPECT_GT(lightness(pixel(depth, 0.5, 0.72)), lightness(pixel(depth, 0.5, 0.32)) + 30);
  ASSERT_EQ(run_program(folder.path(), command + "'#204060'").code, 0);
  EXPECT_EQ(pixel(load_image(folder / "v.png"), 0.03, 0.03), (std::array<int, 4>{0x20, 0x40, 0x60, 255}));
}

TEST(Render, FilmsSheetsAndFolders) {
  const TemporaryFolder folder;
  write_balls(folder / "a.ply");
  ASSERT_EQ(run_program(folder.path(), "render a.ply -o sheet.png --size 32 --frames 5").code, 0);
  EXPECT_GE(load_image(folder / "sheet.png").width, 3 * 32);
  ASSERT_EQ(run_program(folder.path(), "render a.ply -o many/ --size 32 --frames 3 --depth").code, 0);
  for (const char* name : {"many/0000.png", "many/0002.png", "many_depth/0001.png"})
    EXPECT_TRUE(fs::exists(folder / name)) << name;
  // Frame 0 looks at the front, frame 2 of 4 at the back.
  ASSERT_EQ(run_program(folder.path(), "render a.ply -o turn --size 96 --frames 4 --elevation 0 --quiet").out, "");
  EXPECT_EQ(colour_of(pixel(load_image(folder / "turn/0000.png"), 0.5, 0.72)), 'r');
  EXPECT_EQ(colour_of(pixel(load_image(folder / "turn/0002.png"), 0.5, 0.72)), 'b');
#if GSV3D_WITH_VIDEO
  ASSERT_EQ(run_program(folder.path(), "render a.ply -o turn.mp4 --size 64 --frames 6").code, 0);
  EXPECT_EQ(read_file(folder / "turn.mp4").substr(4, 4), "ftyp");
#endif
#if GSV3D_WITH_IMAGE_FILES
  ASSERT_EQ(run_program(folder.path(), "render a.ply -o turn.gif --size 32 --frames 6 --background transparent").code, 0);
  const std::string gif = read_file(folder / "turn.gif");
  EXPECT_EQ(gif.substr(0, 6), "GIF89a");
  EXPECT_THAT(gif, HasSubstr("NETSCAPE2.0"));
  ASSERT_EQ(run_program(folder.path(), "render a.ply -o turn.webp --size 32 --frames 6").code, 0);
  const std::string webp = read_file(folder / "turn.webp");
  size_t frames = 0;
  for (size_t at = webp.find("ANMF"); at != std::string::npos; at = webp.find("ANMF", at + 4)) ++frames;
  EXPECT_EQ(frames, 6u);
#endif
}

TEST(Render, FailuresAreOneLineAndLeaveNothing) {
  const TemporaryFolder folder;
  write_balls(folder / "a.ply");
  const auto expect_failure = [&](const std::string& arguments, int code, const char* part) {
    SCOPED_TRACE(arguments);
    testing::expect_one_line(run_program(folder.path(), arguments), code, part);
  };
  expect_failure("render missing.ply -o v.png", 1, "no such file");
  expect_failure("render a.ply -o v.jpeg", 2, "v.jpeg");
  expect_failure("render a.ply -o v.mp4 --background transparent", 2, "transparent");
  expect_failure("render a.ply -o v.png --background pink", 2, "pink");
  expect_failure("render a.ply -o v.png --size 4096 --supersampling 8", 2, "8192");
  expect_failure("render a.ply", 2, "--output");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1) << "only the object is there";
}

TEST(Render, NothingIsAnEmptyPicture) {
  const TemporaryFolder folder;
  write_gaussians(folder / "a.ply",
                  {at::empty({0, 3}), at::empty({0, 4}), at::empty({0, 3}), at::empty({0}), at::empty({0, 1, 3})});
  const ProgramResult result = run_program(folder.path(), "render a.ply -o v.png --size 32");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(colour_of(pixel(load_image(folder / "v.png"), 0.5, 0.5)), '.');
}

}  // namespace
}  // namespace gsv3d
