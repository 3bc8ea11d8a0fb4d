#include "image/contact_sheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image/bitmap_font.h"
#include "image/depth_image.h"
#include "image_files.h"

namespace gsv3d {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

std::vector<int> colour(const Image& image, int64_t x, int64_t y) {
  const uint8_t* pixel = image.at(x, y);
  return {pixel[0], pixel[1], pixel[2], pixel[3]};
}

TEST(ContactSheet, PlacesPicturesInRows) {
  const Image red = blank_image(40, 40, 255, 0, 0), blue = blank_image(20, 20, 0, 0, 255),
              clear = blank_image(40, 40, 0, 0, 0, 0);
  SheetOptions options;
  options.margin = 4;
  const Image sheet = contact_sheet({{"", {red, blue}, {}}, {"", {clear}, {}}}, options);
  EXPECT_EQ(sheet.width, 4 + 2 * 44);
  EXPECT_EQ(sheet.height, 4 + 2 * 44);
  EXPECT_THAT(colour(sheet, 3, 3), ElementsAre(255, 255, 255, 255));
  EXPECT_THAT(colour(sheet, 4, 4), ElementsAre(255, 0, 0, 255));
  EXPECT_THAT(colour(sheet, 48, 4), ElementsAre(0, 0, 255, 255));  // 20 pixels grow to 40 by doubling
  EXPECT_THAT(colour(sheet, 87, 43), ElementsAre(0, 0, 255, 255));
  EXPECT_THAT(colour(sheet, 20, 60), ElementsAre(255, 255, 255, 255));
  EXPECT_FALSE(sheet.has_alpha);
}

TEST(ContactSheet, TextMakesRoomAndIsDrawn) {
  const Image picture = blank_image(100, 50, 0, 255, 0);
  const Image plain = contact_sheet({{"", {picture}, {}}}), labelled = contact_sheet({{"VIEWS", {picture}, {"0 deg"}}});
  EXPECT_EQ(labelled.height, plain.height + 2 * (kGlyphHeight + 3));
  int dark = 0;
  for (int64_t i = 0; i < labelled.width * labelled.height; ++i) dark += labelled.pixels[4 * i] == 60;
  EXPECT_GT(dark, 60);
}

TEST(ContactSheet, SaysWhatIsWrong) {
  EXPECT_THAT(error_of([] { contact_sheet({}); }), HasSubstr("no picture"));
  const Image picture = blank_image(4, 4, 0, 0, 0);
  EXPECT_THAT(error_of([&] { contact_sheet({{"row", {picture, picture}, {"one"}}}); }), HasSubstr("2 pictures and 1 captions"));
}

TEST(BitmapFont, DrawsLettersAndClips) {
  Image image = blank_image(12, 7, 255, 255, 255);
  draw_text(image, 0, 0, "Tl", 1, {0, 0, 0});
  EXPECT_EQ(text_width("Tl", 1), 11);
  for (int64_t x = 0; x < 5; ++x) EXPECT_EQ(image.at(x, 0)[0], 0) << x;  // the bar of the T
  EXPECT_EQ(image.at(2, 6)[0], 0);
  EXPECT_EQ(image.at(0, 6)[0], 255);
  EXPECT_EQ(image.at(6, 0)[0], 0);  // lower case shows as a capital L
  draw_text(image, -3, -3, "WWWWWW", 5, {0, 0, 0});
}

/// CIE lightness of a colour, from its relative luminance.
double lightness(const uint8_t* pixel) {
  double luminance = 0;
  const std::array<double, 3> weights = {0.2126, 0.7152, 0.0722};
  for (int c = 0; c < 3; ++c) {
    const double value = pixel[c] / 255.0;
    luminance += weights[c] * (value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4));
  }
  return luminance;
}

TEST(DepthImage, NearIsLightFarIsDarkAndNothingIsWhite) {
  const Tensor depth = at::linspace(1, 3, 64).reshape({1, 64}).repeat({8, 1});
  Tensor alpha = at::ones({8, 64});
  alpha[0].zero_();
  const Image image = depth_to_image(depth, alpha);
  EXPECT_THAT(colour(image, 10, 0), ElementsAre(255, 255, 255, 255));
  for (int64_t x = 2; x < 62; ++x) EXPECT_GT(lightness(image.at(x, 4)), lightness(image.at(x + 1, 4))) << x;
  EXPECT_GT(lightness(image.at(0, 4)), 0.7);
  EXPECT_LT(lightness(image.at(63, 4)), 0.1);
}

TEST(DepthImage, CopesWithEmptyAndInfiniteDepth) {
  const Tensor depth = at::full({4, 4}, INFINITY);
  EXPECT_EQ(testing::max_difference(depth_to_image(depth, at::zeros({4, 4})), blank_image(4, 4, 255, 255, 255)), 0);
  EXPECT_THAT(error_of([] { depth_to_image(at::zeros({4, 4}), at::zeros({4, 5})); }), HasSubstr("one size"));
}

}  // namespace
}  // namespace gsv3d
