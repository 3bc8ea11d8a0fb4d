// gsv3d fit as a user runs it: a folder of pictures with transforms.json → a splat file, and one line for everything that is
// wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config.h"
#include "gaussian_files/gaussian_file.h"
#include "image/image.h"
#include "program.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ProgramResult;

/// A transforms.json with our own axes (--up y) and eight pictures of a red ball.
void write_scene(const fs::path& folder) {
  const Tensor directions = randn({400, 3}, make_generator(4));
  const Tensor means = 0.3 * directions / at::linalg_vector_norm(directions, 2, {1}, /*keepdim=*/true);
  const Tensor colors = at::tensor({0.8F, 0.2F, 0.1F}).repeat({400, 1});
  const Gaussians ball{means, at::tensor({1.F, 0.F, 0.F, 0.F}).repeat({400, 1}), at::full({400, 3}, 0.05), at::full({400}, 0.95),
                       rgb_to_sh(colors)};
  const Cameras cameras = orbit_cameras(8, 15, 40);
  const Rendering rendered = rasterize(ball, cameras);
  Json file;
  file["camera_angle_x"] = 33.8 * M_PI / 180;
  for (int64_t view = 0; view < 8; ++view) {
    const Tensor alpha = rendered.alpha[view];
    save_png(folder / fmt::format("{}.png", view), to_image(at::cat({rendered.rgb[view] / alpha.clamp_min(1e-3), alpha})));
    const Tensor pose = at::matmul(at::inverse(cameras.world_to_camera[view]), at::diag(at::tensor({1.F, -1.F, -1.F, 1.F})));
    Json matrix = Json::array();
    for (int64_t row = 0; row < 4; ++row) {
      matrix.push_back(Json::array());
      for (int64_t column = 0; column < 4; ++column) matrix.back().push_back(pose[row][column].item<double>());
    }
    file["frames"].push_back({{"file_path", std::to_string(view)}, {"transform_matrix", matrix}});
  }
  write_json_file(folder / "transforms.json", file);
}

struct FitCommand : testing::CommandTest {
  FitCommand() : CommandTest("fit") { write_scene(folder_.path()); }
};

TEST_F(FitCommand, MakesASplatFileAndScoresIt) {
  const std::string settings = ". --up y --steps 150 --max-gaussians 500 --hold-out 4 --seed 3 ";
  const ProgramResult result = run(settings + "-o ball.spz");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("on the 6 fitted views"));
  EXPECT_THAT(result.out, HasSubstr("on 2 held out"));
  const Gaussians ball = read_gaussians(folder_ / "ball.spz").gaussians;
  EXPECT_LE(ball.count(), 500);
  const Rendering seen = rasterize(ball, look_at_cameras({20}, {30}, 40), at::ones({3}));
  EXPECT_GT(seen.alpha[0][0][20][20].item<double>(), 0.8);
  EXPECT_NEAR(seen.rgb[0][0][20][20].item<double>(), 0.8, 0.15);
  EXPECT_NEAR(seen.rgb[0][2][20][20].item<double>(), 0.1, 0.15);
  ASSERT_EQ(run(settings + "-q -o a.ply").out, "");
  ASSERT_EQ(run(settings + "-q -o b.ply").code, 0);
  EXPECT_EQ(read_file(folder_ / "a.ply"), read_file(folder_ / "b.ply")) << "same seed, same bytes";
}

TEST_F(FitCommand, SaysWhatIsWrongInOneLine) {
  testing::expect_one_line(run("missing -o a.ply"), 1, "does not exist");
  testing::expect_one_line(run(". -o a.obj"), 2, "a.obj");
  testing::expect_one_line(run(". --hold-out 1 -o a.ply"), 1, "none is left");
  testing::expect_one_line(run("0.png -o a.ply"), 1, "neither");
  testing::expect_one_line(run(". -o 0.png/a.ply"), 1, "0.png");
  fs::create_directory(folder_ / "b.ply");
  testing::expect_one_line(run(". -o b.ply"), 1, "b.ply");
  for (const char* name : {"1.png", "3.png", "4.png", "5.png", "6.png"}) fs::remove(folder_ / name);
  testing::expect_one_line(run(". -o a.ply"), 1, "5 of 8 frames cannot be used");
  EXPECT_FALSE(fs::exists(folder_ / "a.ply"));
}

TEST_F(FitCommand, AMissingPictureIsAWarning) {
  fs::remove(folder_ / "3.png");
  const ProgramResult result = run(". --up y --steps 5 -o a.ply");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 8 frames cannot be used"));
  EXPECT_THAT(result.err, HasSubstr("frame 3: no picture \"3\""));
  EXPECT_THAT(result.out, HasSubstr("on the 7 fitted views"));
}

TEST_F(FitCommand, AnOutputThatCannotBeWrittenIsNoticedBeforeTheFit) {
  const ProgramResult result = run(". --up y --steps 1000000 -o /proc/nowhere/a.ply", "timeout 60");
  testing::expect_one_line(result, 1, "/proc/nowhere");
}

}  // namespace
}  // namespace gsv3d
