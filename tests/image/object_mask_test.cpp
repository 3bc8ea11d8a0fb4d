// Which pixels are the object, when a picture is a cut-out, and when a matte looks wrong.
#include "image/object_mask.h"

#include <gmock/gmock.h>

#include "image/framing.h"
#include "image_files.h"

namespace gsv3d {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void fill(Image& image, const ObjectBox& box, uint8_t alpha) {
  for (int64_t y = box.y; y < box.y + box.height; ++y)
    for (int64_t x = box.x; x < box.x + box.width; ++x) image.at(x, y)[3] = alpha;
  image.has_alpha = has_transparency(image);
}

/// A cut-out of 200 x 200 with a rim of alpha 90 and 10 around the object at (60, 50), 80 x 100 pixels.
Image clean_object() {
  Image image = blank_image(200, 200, 180, 60, 20, 0);
  fill(image, {60, 50, 80, 100}, 10);
  fill(image, {61, 51, 78, 98}, 90);
  fill(image, {62, 52, 76, 96}, 255);
  return image;
}

std::vector<int64_t> numbers(const ObjectBox& box) {
  return {box.x, box.y, box.width, box.height};
}

TEST(ObjectMask, ACleanCutoutStaysAsItIs) {
  const CleanCutout clean = clean_cutout(clean_object());
  EXPECT_EQ(testing::max_difference(clean.image, clean_object()), 0);
  EXPECT_THAT(numbers(clean.box), ElementsAre(60, 50, 80, 100));
  EXPECT_TRUE(clean.image.has_alpha);
}

TEST(ObjectMask, HazeAndSpecksDoNotCount) {
  Image image = clean_object();
  for (int64_t i = 0; i < 200 * 200; ++i)
    if (image.pixels[4 * i + 3] == 0) image.pixels[4 * i + 3] = static_cast<uint8_t>(1 + i % 3);  // as matting leaves it
  fill(image, {0, 0, 1, 1}, 255);
  fill(image, {198, 197, 2, 2}, 200);
  const CleanCutout clean = clean_cutout(image);
  EXPECT_NEAR(static_cast<double>(clean.box.width), 80, 4);  // the haze that touches the rim is taken for it, 2 pixels
  EXPECT_NEAR(static_cast<double>(clean.box.height), 100, 4);
  EXPECT_EQ(clean.image.at(0, 0)[3], 0);
  EXPECT_EQ(clean.image.at(199, 198)[3], 0);
  EXPECT_EQ(clean.image.at(30, 100)[3], 0);
  EXPECT_EQ(clean.image.at(100, 100)[3], 255);
  // The object's share of the frame is what was asked for, not a quarter of it.
  const ObjectBox framed = object_box(frame_object(image, 0.8, 100).cutout);
  EXPECT_NEAR(static_cast<double>(framed.height), 80, 4);
  EXPECT_NEAR(static_cast<double>(framed.width), 64, 4);
}

TEST(ObjectMask, SpecksWithinTheRimGoToo) {
  Image image = clean_object();
  fill(image, {60, 152, 2, 1}, 255);  // the row between is empty
  EXPECT_EQ(clean_cutout(image).image.at(60, 152)[3], 0);
  fill(image, {60, 150, 2, 3}, 255);  // now it hangs together with the object
  fill(image, {60, 148, 2, 3}, 255);
  EXPECT_EQ(clean_cutout(image).image.at(60, 152)[3], 255);
}

TEST(ObjectMask, PiecesOfAnySizeAboveSpecksStay) {
  Image image = clean_object();
  fill(image, {10, 10, 5, 5}, 255);  // 25 pixels; 0.1 % of the object is 7
  EXPECT_THAT(numbers(object_box(image)), ElementsAre(10, 10, 130, 140));
  Image dot = blank_image(20, 20, 0, 0, 0, 0);
  fill(dot, {9, 9, 1, 1}, 255);  // there is nothing else
  EXPECT_THAT(numbers(object_box(dot)), ElementsAre(9, 9, 1, 1));
}

TEST(ObjectMask, PiecesThatTouchAtCornersAndJoinBelowAreOne) {
  Image image = blank_image(64, 64, 0, 0, 0, 0);
  for (int64_t i = 0; i < 20; ++i) fill(image, {10 + i, 10 + i, 1, 1}, 255), fill(image, {49 - i, 10 + i, 1, 1}, 255);
  EXPECT_THAT(numbers(object_box(image)), ElementsAre(10, 10, 40, 20));
  EXPECT_THAT(matte_doubts(image), ::testing::Not(::testing::Contains(HasSubstr("pieces"))));  // a V of single pixels
}

TEST(ObjectMask, NothingSolidIsAnError) {
  EXPECT_THAT(error_of([] { object_box(blank_image(8, 8, 9, 9, 9, 20)); }), HasSubstr("transparent everywhere"));
}

Image rounded_photo(double radius) {
  Image image = blank_image(300, 200, 90, 120, 60);
  for (int64_t y = 0; y < 200; ++y) {
    for (int64_t x = 0; x < 300; ++x) {
      const double dx = std::max({radius - (x + 0.5), (x + 0.5) - (300 - radius), 0.0}),
                   dy = std::max({radius - (y + 0.5), (y + 0.5) - (200 - radius), 0.0});
      image.at(x, y)[3] = static_cast<uint8_t>(255 * std::clamp(radius - std::hypot(dx, dy) + 0.5, 0.0, 1.0));
    }
  }
  image.has_alpha = has_transparency(image);
  return image;
}

TEST(IsCutOut, PhotosWithAFewTransparentPixelsAreNot) {
  EXPECT_FALSE(is_cut_out(blank_image(100, 80, 1, 2, 3)));
  EXPECT_FALSE(is_cut_out(rounded_photo(20)));  // 0.6 % of the picture
  Image one = blank_image(100, 80, 1, 2, 3);
  fill(one, {50, 40, 1, 1}, 254);
  EXPECT_FALSE(is_cut_out(one));
  Image soft = blank_image(100, 100, 1, 2, 3);
  fill(soft, {20, 20, 10, 4}, 100);  // 0.4 %
  EXPECT_FALSE(is_cut_out(soft));
  Image erased = blank_image(100, 100, 1, 2, 3);
  fill(erased, {30, 30, 30, 30}, 0);  // 9 % of it, but inside
  EXPECT_FALSE(is_cut_out(erased));
  Image frame = blank_image(100, 100, 1, 2, 3, 0);
  fill(frame, {2, 2, 96, 96}, 255);  // 7.8 % of it, as resizing leaves it
  EXPECT_FALSE(is_cut_out(frame));
  Image watermark = blank_image(100, 100, 1, 2, 3, 128);
  EXPECT_FALSE(is_cut_out(watermark));
}

TEST(IsCutOut, CutoutsAre) {
  EXPECT_TRUE(is_cut_out(clean_object()));
  EXPECT_TRUE(is_cut_out(rounded_photo(100)));  // a tight crop of a rounded object
  Image tight = blank_image(100, 100, 1, 2, 3);
  for (int64_t i = 0; i < 25; ++i) fill(tight, {0, i, 25 - i, 1}, 0);  // 3 %, one corner
  EXPECT_TRUE(is_cut_out(tight));
  EXPECT_TRUE(is_cut_out(blank_image(30, 30, 1, 2, 3, 0)));
}

TEST(MatteDoubts, NamesWhatLooksWrong) {
  EXPECT_THAT(matte_doubts(clean_object()), IsEmpty());
  Image all = blank_image(200, 200, 0, 0, 0, 255);
  EXPECT_THAT(matte_doubts(all), ElementsAre(HasSubstr("100 % of the photo"), HasSubstr("4 of the photo's 4 borders")));
  Image nothing = blank_image(200, 200, 0, 0, 0, 0);
  fill(nothing, {100, 100, 15, 10}, 255);
  EXPECT_THAT(matte_doubts(nothing), ElementsAre(HasSubstr("0.38 % of the photo")));
  Image band = blank_image(200, 200, 0, 0, 0, 0);
  fill(band, {0, 120, 200, 80}, 255);
  EXPECT_THAT(matte_doubts(band), ElementsAre(HasSubstr("3 of the photo's 4 borders")));
  Image standing = blank_image(200, 200, 0, 0, 0, 0);
  fill(standing, {50, 60, 100, 140}, 255);
  EXPECT_THAT(matte_doubts(standing),
              ElementsAre(HasSubstr("cut off at the photo's lower border, along which 100 % of it lies")));
  Image two = clean_object();
  fill(two, {10, 10, 45, 60}, 255);
  EXPECT_THAT(matte_doubts(two), ElementsAre(HasSubstr("2 large pieces")));
}

/// A tip of 24 of 100 columns on the border is an object that just fits; 25 are one that the camera did not see whole.
TEST(FrameDoubts, NameTheBorderThatCutsTheObject) {
  for (const int64_t contact : {24, 25}) {
    Image image = blank_image(200, 200, 0, 0, 0, 0);
    fill(image, {50, 60, 100, 100}, 255);
    fill(image, {60, 0, contact, 60}, 255);
    if (contact < 25)
      EXPECT_THAT(frame_doubts(image), IsEmpty());
    else
      EXPECT_THAT(frame_doubts(image), ElementsAre(HasSubstr("upper border, along which 25 %")));
  }
  Image side = blank_image(200, 200, 0, 0, 0, 0);
  fill(side, {120, 40, 80, 90}, 255);
  EXPECT_THAT(frame_doubts(side), ElementsAre(HasSubstr("right border")));
  EXPECT_THAT(frame_doubts(clean_object()), IsEmpty());
  EXPECT_THAT(frame_doubts(blank_image(40, 40, 1, 2, 3)), IsEmpty()) << "trimmed to the object";
}

}  // namespace
}  // namespace gsv3d
