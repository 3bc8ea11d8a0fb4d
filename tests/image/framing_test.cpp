#include "image/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image_files.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

Image with_object(int64_t width, int64_t height, const ObjectBox& box) {
  Image image = blank_image(width, height, 0, 255, 0, 0);
  for (int64_t y = box.y; y < box.y + box.height; ++y) {
    for (int64_t x = box.x; x < box.x + box.width; ++x) image.at(x, y)[1] = 0, image.at(x, y)[0] = 200, image.at(x, y)[3] = 255;
  }
  image.has_alpha = true;
  return image;
}

TEST(Framing, ObjectFillsTheAskedShareInTheMiddle) {
  const FramedPhoto framed = frame_object(with_object(300, 200, {17, 40, 100, 50}), 0.5, 128);
  const ObjectBox box = object_box(framed.cutout);
  // 100 of 200 pixels, scaled by 0.64; Lanczos may spread the edge by up to 3 pixels of faint alpha on either side.
  EXPECT_NEAR(static_cast<double>(box.width), 64, 6);
  EXPECT_NEAR(static_cast<double>(box.height), 32, 6);
  EXPECT_NEAR(static_cast<double>(2 * box.x + box.width), 128, 1);
  EXPECT_NEAR(static_cast<double>(2 * box.y + box.height), 128, 1);
  const uint8_t* middle = framed.on_white.at(64, 64);
  EXPECT_EQ((std::vector<int>{middle[0], middle[1], middle[2], middle[3]}), (std::vector<int>{200, 0, 0, 255}));
  for (size_t i = 0; i < framed.on_white.pixels.size(); i += 4) {
    // The green under the transparent pixels must not leak: on white, green is never above what the cover leaves of white.
    EXPECT_LE(framed.on_white.pixels[i + 1], 256 - framed.cutout.pixels[i + 3]);
  }
}

TEST(Framing, WideObjectWithoutARatioStillFits) {
  const Image square = centre_object(with_object(300, 60, {10, 10, 250, 20}), std::nullopt);
  EXPECT_EQ(square.width, 250);
  EXPECT_EQ(square.height, 250);
  EXPECT_EQ(object_box(square).width, 250);
}

TEST(Framing, SaysWhatIsWrong) {
  EXPECT_THAT(error_of([] { frame_object(blank_image(8, 8, 9, 9, 9, 0), 0.8, 64); }), HasSubstr("transparent everywhere"));
  EXPECT_THAT(error_of([] { frame_object(blank_image(8, 8, 9, 9, 9), 1.5, 64); }), HasSubstr("1.5"));
  EXPECT_THAT(error_of([] { frame_object(blank_image(8, 8, 9, 9, 9), 0.0, 64); }), HasSubstr("above 0"));
  EXPECT_THAT(error_of([] { frame_object(blank_image(800, 800, 9, 9, 9), 0.001, 64); }), HasSubstr("too small"));
}

TEST(Resize, ConstantsStayConstantAndSameSizeIsACopy) {
  const Image image = blank_image(13, 7, 10, 100, 250);
  EXPECT_EQ(testing::max_difference(resize_lanczos(image, 50, 3), blank_image(50, 3, 10, 100, 250)), 0);
  const Image gradient = testing::gradient(9, 9);
  EXPECT_EQ(testing::max_difference(resize_lanczos(gradient, 9, 9), gradient), 0);
}

}  // namespace
}  // namespace gsv3d
