// Pictures of lenses that bend lines, made from a pattern that is known everywhere, become what a pinhole sees of it.
#include "dataset/lens_distortion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/config.h"
#include "dataset/posed_views.h"
#include "goldens.h"
#include "image/image.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

constexpr int64_t kWidth = 96, kHeight = 64;
constexpr double kFocal = 70, kCentreX = 46, kCentreY = 33;

/// What is seen in the direction (x, y, 1).
double pattern(double x, double y, int channel) {
  return 0.5 + 0.4 * std::sin(5 * x + channel) * std::cos(4 * y - channel);
}

/// The formulas of OpenCV's documentation, one point at a time.
std::array<double, 2> lens_point(double x, double y, const LensDistortion& lens) {
  const double r2 = x * x + y * y, r = std::sqrt(r2);
  const auto [k1, k2, k3, k4] = lens.radial;
  if (lens.fisheye) {
    const double t = std::atan(r), t2 = t * t,
                 shown = t * (1 + k1 * t2 + k2 * t2 * t2 + k3 * t2 * t2 * t2 + k4 * t2 * t2 * t2 * t2);
    return r > 0 ? std::array{x / r * shown, y / r * shown} : std::array{0.0, 0.0};
  }
  const auto [p1, p2] = lens.tangential;
  const double f = 1 + k1 * r2 + k2 * r2 * r2 + k3 * r2 * r2 * r2;
  return {x * f + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * f + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y};
}

/// The picture that the lens takes: for each pixel the direction that it shows, by iteration.
Tensor picture_through(const LensDistortion& lens) {
  const Tensor picture = at::ones({4, kHeight, kWidth});
  for (int64_t row = 0; row < kHeight; ++row) {
    for (int64_t column = 0; column < kWidth; ++column) {
      const double u = (static_cast<double>(column) + 0.5 - kCentreX) / kFocal,
                   v = (static_cast<double>(row) + 0.5 - kCentreY) / kFocal;
      double x = u, y = v;
      for (int i = 0; i < 200; ++i) {
        const auto [a, b] = lens_point(x, y, lens);
        x += 0.5 * (u - a), y += 0.5 * (v - b);
      }
      for (int c = 0; c < 3; ++c) picture[c][row][column] = pattern(x, y, c);
    }
  }
  return picture;
}

Tensor matrix() {
  return at::tensor({kFocal, 0.0, kCentreX, 0.0, kFocal, kCentreY, 0.0, 0.0, 1.0}, at::kFloat).view({3, 3});
}

/// Away from the border, where the lens did not show everything.
double worst_error(const Tensor& picture) {
  double worst = 0;
  for (int64_t row = 8; row < kHeight - 8; ++row)
    for (int64_t column = 12; column < kWidth - 12; ++column)
      for (int c = 0; c < 3; ++c)
        worst = std::max(worst, std::abs(picture[c][row][column].item<double>() -
                                         pattern((static_cast<double>(column) + 0.5 - kCentreX) / kFocal,
                                                 (static_cast<double>(row) + 0.5 - kCentreY) / kFocal, c)));
  return worst;
}

const LensDistortion kBarrel{false, {-0.2, 0.05, 0.01, 0}, {0.01, -0.015}};
const LensDistortion kFisheye{true, {0.08, -0.02, 0.01, -0.003}, {}};

TEST(LensDistortion, UndistortedPicturesShowWhatAPinholeSees) {
  for (const LensDistortion& lens : {kBarrel, kFisheye}) {
    const Tensor taken = picture_through(lens);
    EXPECT_GT(worst_error(taken), 0.08) << "without it there is something to see";
    EXPECT_LT(worst_error(undistorted(taken, matrix(), lens)), 0.006)
        << "bilinear sampling of the pattern";  // 0.5 (5² + 4²) 0.4 / (8 · 70²) each way
  }
}

TEST(LensDistortion, WhatTheLensDidNotShowIsEmptyOrWhite) {
  const LensDistortion pincushion{false, {0.6, 0, 0, 0}, {}};
  Tensor picture = at::full({4, kHeight, kWidth}, 0.3);
  picture[3].fill_(1);
  const Tensor opaque = undistorted(picture, matrix(), pincushion);
  EXPECT_EQ(opaque[3].min().item<float>(), 1);
  EXPECT_EQ(opaque[0][0][0].item<float>(), 1);
  EXPECT_NEAR(opaque[0][32][48].item<float>(), 0.3, 1e-6);
  picture[3][10][10] = 0;
  EXPECT_EQ(undistorted(picture, matrix(), pincushion)[3][0][0].item<float>(), 0);
}

TEST(LensDistortion, PolynomialsThatTurnBackShowNothingTwice) {
  const LensDistortion strong{false, {-1.5, 0, 0, 0}, {}};  // turns back at r = 1 / √4.5
  const Tensor picture = at::full({4, kHeight, kWidth}, 0.3);
  picture[3].fill_(1);
  const Tensor seen = undistorted(picture, matrix(), strong);
  EXPECT_NEAR(seen[0][33][46 + 30].item<float>(), 0.3, 1e-6);
  EXPECT_EQ(seen[0][33][46 + 36].item<float>(), 1);
}

TEST(LensDistortion, NoneIsNoticed) {
  EXPECT_TRUE(LensDistortion().none());
  EXPECT_FALSE(kBarrel.none());
  EXPECT_FALSE((LensDistortion{true, {}, {}}.none())) << "an ideal fisheye bends lines, too";
}

TEST(LensDistortion, TransformsJsonNamesIt) {
  const testing::TemporaryFolder folder;
  save_png(folder / "a.png", to_image(picture_through(kBarrel)));
  save_png(folder / "b.png", to_image(picture_through(kFisheye)));
  Json file;
  file["fl_x"] = kFocal, file["cx"] = kCentreX, file["cy"] = kCentreY, file["w"] = kWidth, file["h"] = kHeight;
  const Json pose = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 3}, {0, 0, 0, 1}};
  file["frames"] = Json::array({{{"file_path", "a.png"}, {"transform_matrix", pose}, {"camera_model", "OPENCV"}},
                                {{"file_path", "b.png"}, {"transform_matrix", pose}, {"camera_model", "OPENCV_FISHEYE"}}});
  for (size_t i = 0; i < 4; ++i) {
    const std::string key = "k" + std::to_string(i + 1);
    file["frames"][0][key] = kBarrel.radial[i], file["frames"][1][key] = kFisheye.radial[i];
  }
  file["frames"][0]["p1"] = kBarrel.tangential[0], file["frames"][0]["p2"] = kBarrel.tangential[1];
  write_json_file(folder / "transforms.json", file);
  PosedViews views = read_posed_views(folder.path());
  for (int64_t view = 0; view < 2; ++view) EXPECT_LT(worst_error(views.rgba[view].to(at::kFloat) / 255), 0.012) << view;
  EXPECT_EQ(views.rgba.select(1, 3).min().item<int>(), 255) << "opaque pictures stay so";
  file["frames"][1].erase("camera_model"), file["frames"][1]["is_fisheye"] = true;
  write_json_file(folder / "transforms.json", file);
  views = read_posed_views(folder.path());
  EXPECT_LT(worst_error(views.rgba[1].to(at::kFloat) / 255), 0.012);
}

}  // namespace
}  // namespace gsv3d
