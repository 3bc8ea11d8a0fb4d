#ifdef GSV3D_WITH_MATTING

#include "matting/matting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/atomic_file.h"
#include "core/tensor.h"
#include "image_files.h"
#include "matting/onnx_input.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

using Inside = std::function<bool(double, double)>;

/// A shaded, slightly noisy object on a noisy ground that darkens to one side: what a photo has and a drawing has not.
Image photo_of(int64_t width, int64_t height, const Inside& inside) {
  std::mt19937 random(5);
  Image image = blank_image(width, height, 0, 0, 0);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double u = (x + 0.5) / width, v = (y + 0.5) / height, noise = static_cast<int>(random() % 21) - 10.0;
      const bool object = inside(u, v);
      const std::array<double, 3> colour =
          object ? std::array<double, 3>{200 - 90 * u, 70 + 40 * v, 50} : std::array<double, 3>{110, 130, 150 - 60 * u};
      for (int c = 0; c < 3; ++c) image.at(x, y)[c] = static_cast<uint8_t>(std::clamp(colour[c] + noise, 0.0, 255.0));
    }
  }
  return image;
}

double intersection_over_union(const Image& cutout, const Inside& inside) {
  double both = 0, either = 0;
  for (int64_t y = 0; y < cutout.height; ++y) {
    for (int64_t x = 0; x < cutout.width; ++x) {
      const bool found = cutout.at(x, y)[3] > 127, truth = inside((x + 0.5) / cutout.width, (y + 0.5) / cutout.height);
      both += found && truth, either += found || truth;
    }
  }
  return both / either;
}

TEST(Matting, CutsOutAnObjectInTheMiddle) {
  const Inside disc = [](double u, double v) { return std::hypot(u - 0.45, v - 0.55) < 0.28; };
  const Image cutout = remove_background(photo_of(320, 320, disc));
  EXPECT_GT(intersection_over_union(cutout, disc), 0.97);
  EXPECT_TRUE(cutout.has_alpha);
}

TEST(Matting, AGivenMatteIsTaken) {
  const Inside disc = [](double u, double v) { return std::hypot(u - 0.5, v - 0.5) < 0.3; };
  const Image photo = photo_of(200, 200, disc);
  // Half as large, solid inside of the disc and half transparent in a rim around it.
  Image matte = blank_image(100, 100, 255, 255, 255, 0);
  for (int64_t y = 0; y < 100; ++y) {
    for (int64_t x = 0; x < 100; ++x) {
      const double distance = std::hypot((x + 0.5) / 100 - 0.5, (y + 0.5) / 100 - 0.5);
      matte.at(x, y)[3] = distance < 0.3 ? 255 : distance < 0.34 ? 128 : 0;
    }
  }
  matte.has_alpha = true;
  const Image cutout = with_matte(photo, matte);
  EXPECT_TRUE(cutout.has_alpha);
  EXPECT_EQ(cutout.at(100, 100)[3], 255);
  EXPECT_EQ(cutout.at(10, 10)[3], 0);
  EXPECT_GT(intersection_over_union(cutout, disc), 0.75);  // with the rim, which counts as object: (0.30 / 0.34)² = 0.78
  EXPECT_EQ(cutout.at(100, 100)[0], photo.at(100, 100)[0]);
  // The rim at the left shows the ground in the photo (red 110) and the object (red about 200 - 90 * 0.2) in the cut-out.
  const int64_t x = 38;  // two pixels outside of the disc: what the rim is cleaned by reaches three
  EXPECT_NEAR(photo.at(x, 100)[0], 110, 15);
  EXPECT_NEAR(cutout.at(x, 100)[0], 182, 15);
  EXPECT_NEAR(cutout.at(x, 100)[3], 128, 40);  // scaled by a filter that overshoots beside edges
  // Without transparency, brightness counts.
  for (int64_t i = 0; i < 100 * 100; ++i)
    std::fill_n(&matte.pixels[4 * i], 3, matte.pixels[4 * i + 3]), matte.pixels[4 * i + 3] = 255;
  matte.has_alpha = false;
  const Image grey = with_matte(photo, matte);
  EXPECT_EQ(grey.at(100, 100)[3], 255);
  EXPECT_EQ(grey.at(10, 10)[3], 0);
  EXPECT_EQ(grey.at(x, 100)[3], cutout.at(x, 100)[3]);
}

TEST(Matting, ObjectMayStandOnTheLowerEdge) {
  const Inside vase = [](double u, double v) { return v > 0.3 && std::abs(u - 0.5) < 0.12 + 0.2 * (v - 0.3); };
  EXPECT_GT(intersection_over_union(remove_background(photo_of(300, 360, vase)), vase), 0.93);
}

TEST(Matting, HolesThatShowTheGroundStay) {
  const Inside ring = [](double u, double v) {
    return std::hypot(u - 0.5, v - 0.5) < 0.35 && std::hypot(u - 0.5, v - 0.5) > 0.18;
  };
  EXPECT_GT(intersection_over_union(remove_background(photo_of(320, 320, ring)), ring), 0.95);
}

TEST(Matting, TheRimHasTheObjectsColour) {
  const Inside disc = [](double u, double v) { return std::hypot(u - 0.5, v - 0.5) < 0.3; };
  const Image cutout = remove_background(photo_of(320, 320, disc));
  // The ground is the only thing with blue above 75 (object: 50 ± 10): no half-transparent pixel may show it.
  int soft = 0;
  for (size_t i = 0; i < cutout.pixels.size(); i += 4) {
    if (cutout.pixels[i + 3] < 25 || cutout.pixels[i + 3] > 230) continue;
    ++soft;
    EXPECT_LT(cutout.pixels[i + 2], 75);
  }
  EXPECT_GT(soft, 100);  // the rim is soft, not a staircase
}

TEST(Matting, SameAgainAndLargerThanTheWorkingSize) {
  const Inside disc = [](double u, double v) { return std::hypot(u - 0.5, v - 0.5) < 0.3; };
  const Image photo = photo_of(900, 700, disc);
  const Image first = remove_background(photo);
  EXPECT_EQ(testing::max_difference(first, remove_background(photo)), 0);
  EXPECT_GT(intersection_over_union(first, disc), 0.97);
}

TEST(Matting, NothingToFindIsAnErrorThatProposesACutout) {
  const std::string message = error_of([] { remove_background(blank_image(200, 200, 128, 128, 128)); });
  EXPECT_THAT(message, AllOf(HasSubstr("cannot be told"), HasSubstr("cut-out PNG")));
  EXPECT_THAT(error_of([] { remove_background(blank_image(8, 8, 1, 2, 3)); }), HasSubstr("16 x 16"));
}

// --- ONNX: a network small enough to write down here. Messages of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto ---

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value > 127; value >>= 7) bytes.push_back(static_cast<char>(value | 128));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}
std::string number(int field, uint64_t value) {
  return varint(field << 3) + varint(value);
}
std::string message(int field, const std::string& content) {
  return varint(field << 3 | 2) + varint(content.size()) + content;
}

std::string value_info(const std::string& name, const std::vector<int64_t>& shape) {
  std::string dimensions;
  for (const int64_t size : shape) dimensions += message(1, number(1, size));
  return message(1, name) + message(2, message(1, number(1, 1) + message(2, dimensions)));
}

/// output = sigmoid(40 · red − 40 · blue) per pixel, as a 1 × 1 convolution: objects are what is redder than it is blue.
std::string red_network(int64_t side) {
  const std::array<float, 3> weights = {40, 0, -40};
  std::string raw(sizeof weights, '\0');
  std::memcpy(raw.data(), weights.data(), sizeof weights);
  const std::string kernel =
      number(1, 1) + number(1, 3) + number(1, 1) + number(1, 1) + number(2, 1) + message(8, "w") + message(9, raw);
  const std::string ones = message(5, message(1, "kernel_shape") + number(8, 1) + number(8, 1) + number(20, 7));
  const std::string convolution =
      message(1, "x") + message(1, "w") + message(2, "c") + message(3, "conv") + message(4, "Conv") + ones;
  const std::string sigmoid = message(1, "c") + message(2, "y") + message(3, "act") + message(4, "Sigmoid");
  const std::string graph = message(1, convolution) + message(1, sigmoid) + message(2, "g") + message(5, kernel) +
                            message(11, value_info("x", {1, 3, side, side})) + message(12, value_info("y", {1, 1, side, side}));
  return number(1, 8) + message(7, graph) + message(8, message(1, "") + number(2, 12));
}

TEST(MattingNetwork, RunsAtTheSizeThatTheFileAsksFor) {
  EXPECT_EQ(onnx_input_side(red_network(96)), 96);
  EXPECT_EQ(onnx_input_side("no model"), 0);
  const testing::TemporaryFolder folder;
  write_file(folder / "red.onnx", red_network(96));
  MattingOptions options;
  options.network = (folder / "red.onnx").string();
  options.mean = {40 / 255.0, 0, 0};  // the ground is up to 18 levels redder than blue
  options.std = {1, 1, 1};
  const Inside disc = [](double u, double v) { return std::hypot(u - 0.3, v - 0.4) < 0.25; };
  EXPECT_GT(intersection_over_union(remove_background(photo_of(200, 200, disc), options), disc), 0.95);
  options.mean = {1, 0, -1};  // everything looks blue: nothing is kept
  EXPECT_THAT(error_of([&] { remove_background(photo_of(200, 200, disc), options); }), HasSubstr("next to nothing"));
}

TEST(MattingNetwork, SaysWhatIsWrongWithTheFile) {
  const testing::TemporaryFolder folder;
  const Image photo = blank_image(64, 64, 9, 9, 9);
  MattingOptions options;
  options.network = (folder / "none.onnx").string();
  EXPECT_THAT(error_of([&] { remove_background(photo, options); }), HasSubstr("no such file"));
  write_file(folder / "none.onnx", "this is no network");
  EXPECT_THAT(error_of([&] { remove_background(photo, options); }), AllOf(HasSubstr("none.onnx"), HasSubstr("cannot be used")));
}

}  // namespace
}  // namespace gsv3d

#endif
