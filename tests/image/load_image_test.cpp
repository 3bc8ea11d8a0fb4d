#include "image/load_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/atomic_file.h"
#include "damaged_files.h"
#include "image/image.h"
#include "image_files.h"

#ifdef GSV3D_WITH_IMAGE_FILES
#include <vips/vips.h>
#endif

namespace gsv3d {
namespace {

using ::testing::AllOf;
using testing::error_of;
using testing::gradient;
using ::testing::HasSubstr;
using testing::max_difference;

class LoadImage : public ::testing::Test {
 protected:
  std::string load_error(const std::string& name) {
    return error_of([&] { load_image(folder_ / name); });
  }
  testing::TemporaryFolder folder_;
};

TEST_F(LoadImage, ReadsWhatSavePngWrites) {
  Image image = gradient(40, 30);
  image.at(3, 4)[3] = 0;
  save_png(folder_ / "sub/picture.png", image);
  const Image back = load_image(folder_ / "sub/picture.png");
  EXPECT_EQ(max_difference(back, image), 0);
  EXPECT_TRUE(back.has_alpha);
}

TEST_F(LoadImage, BadFilesGetOneClearLine) {
  EXPECT_THAT(load_error("missing.png"), AllOf(HasSubstr("missing.png"), HasSubstr("no such file")));
  write_file(folder_ / "text.png", "This is text and no picture at all.\n");
  EXPECT_THAT(load_error("text.png"), AllOf(HasSubstr("text.png"), HasSubstr("not a picture"), HasSubstr("it is text")));
  write_file(folder_ / "page.jpg", "<!DOCTYPE html><html></html>");
  EXPECT_THAT(load_error("page.jpg"), HasSubstr("it is a web page"));
  write_file(folder_ / "pointer.png", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n");
  EXPECT_THAT(load_error("pointer.png"), HasSubstr("git lfs pull"));
  write_file(folder_ / "empty.png", "");
  EXPECT_THAT(load_error("empty.png"), HasSubstr("empty"));
  write_file(folder_ / "noise.bin", std::string("\1\2\0\xff\xee", 5));
  EXPECT_THAT(load_error("noise.bin"), HasSubstr("unknown"));
  EXPECT_THAT(error_of([&] { load_image(folder_ / "."); }), HasSubstr("not a regular file"));
  save_png(folder_ / "dot.png", blank_image(1, 1, 0, 0, 0));
  EXPECT_THAT(load_error("dot.png"), HasSubstr("1 x 1 pixels is too small"));
  for (const char* name : {"text.png", "dot.png", "noise.bin"}) EXPECT_THAT(load_error(name), ::testing::Not(HasSubstr("\n")));
}

TEST_F(LoadImage, HugeHeadersAreRefusedBeforeDecoding) {
  // A valid header chunk (checksum included) of a 30000 x 30000 RGB picture with no pixels behind it.
  std::string bytes = encode_png(blank_image(2, 2, 0, 0, 0));
  bytes.replace(16, 8, std::string("\0\0\x75\x30\0\0\x75\x30", 8));
  bytes.replace(29, 4, "\xe9\x45\x6f\xed");
  write_file(folder_ / "huge.png", bytes);
  EXPECT_THAT(load_error("huge.png"), HasSubstr("30000 x 30000 pixels is more than the limit of 64 megapixels"));
}

TEST_F(LoadImage, TruncatedPngIsAnError) {
  const std::string bytes = encode_png(gradient(64, 64));
  write_file(folder_ / "cut.png", bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(load_error("cut.png"), HasSubstr("cut.png"));
}

/// A BMP of 24 or 32 bits, its rows from below, written by hand (Microsoft's BITMAPINFOHEADER).
std::string bmp_bytes(const Image& image, int bits) {
  const auto row_bytes = static_cast<uint32_t>((image.width * bits + 31) / 32 * 4);
  std::string bytes = "BM";
  const auto add = [&](uint32_t value, int size) { bytes.append(reinterpret_cast<const char*>(&value), size); };
  add(54 + row_bytes * static_cast<uint32_t>(image.height), 4), add(0, 4), add(54, 4);
  add(40, 4), add(static_cast<uint32_t>(image.width), 4), add(static_cast<uint32_t>(image.height), 4);
  add(1, 2), add(static_cast<uint32_t>(bits), 2);
  for (int i = 0; i < 6; ++i) add(0, 4);
  for (int64_t y = image.height - 1; y >= 0; --y) {
    const size_t begin = bytes.size();
    for (int64_t x = 0; x < image.width; ++x) {
      const uint8_t* pixel = image.at(x, y);
      for (const int c : {2, 1, 0, 3})
        if (c < 3 || bits == 32) bytes.push_back(static_cast<char>(pixel[c]));
    }
    bytes.resize(begin + row_bytes, '\0');
  }
  return bytes;
}

TEST_F(LoadImage, ReadsBmp) {
  if (!can_read_bitmaps()) GTEST_SKIP() << "built without stb_image";
  Image image = gradient(37, 20);
  write_file(folder_ / "a.bmp", bmp_bytes(image, 24));
  EXPECT_EQ(max_difference(load_image(folder_ / "a.bmp"), image), 0);
  image.at(3, 4)[3] = 100;
  write_file(folder_ / "alpha.bmp", bmp_bytes(image, 32));
  const Image back = load_image(folder_ / "alpha.bmp");
  EXPECT_EQ(max_difference(back, image), 0);
  EXPECT_TRUE(back.has_alpha);
  Image flipped = image;
  for (int64_t y = 0; y < 20; ++y) std::copy_n(image.at(0, 19 - y), 4 * 37, flipped.at(0, y));
  std::string from_top = bmp_bytes(flipped, 32);
  from_top.replace(22, 4, std::string("\xec\xff\xff\xff", 4));  // a height of -20
  write_file(folder_ / "top.bmp", from_top);
  EXPECT_EQ(max_difference(load_image(folder_ / "top.bmp"), image), 0);
  write_file(folder_ / "cut.bmp", bmp_bytes(image, 24).substr(0, 800));
  EXPECT_THAT(load_error("cut.bmp"), AllOf(HasSubstr("cut.bmp"), HasSubstr("truncated")));
  write_file(folder_ / "short.bmp", "BM plain text that begins like one");
  EXPECT_THAT(load_error("short.bmp"), HasSubstr("short.bmp: the picture cannot be read"));
  std::string huge = bmp_bytes(image, 24);
  huge.replace(18, 4, std::string("\0\0\1\0", 4)), huge.replace(22, 4, std::string("\0\0\1\0", 4));
  write_file(folder_ / "huge.bmp", huge);
  EXPECT_THAT(load_error("huge.bmp"), HasSubstr("65536 x 65536 pixels is more than the limit"));
}

TEST_F(LoadImage, DamagedBitmapsAreErrorsOrPictures) {
  if (!can_read_bitmaps()) GTEST_SKIP() << "built without stb_image";
  std::mt19937 random(3);
  int rejected = 0;
  testing::for_random_damage(
      bmp_bytes(gradient(37, 20), 24), 400, [&](int64_t below) { return static_cast<int64_t>(random()) % below; },
      [&](const std::string& bytes) {
        rejected += !error_of([&] {
                       const Image image = decode_bitmap(bytes, "damaged");
                       EXPECT_EQ(image.pixels.size(), static_cast<size_t>(4 * image.width * image.height));
                     }).empty();
      });
  EXPECT_GE(rejected, 200);
}

std::string ppm_bytes(const Image& image) {
  std::string bytes = fmt::format("P6\n# by hand\n{} {}\n255\n", image.width, image.height);
  for (int64_t i = 0; i < image.width * image.height; ++i)
    bytes.append(reinterpret_cast<const char*>(image.pixels.data() + 4 * i), 3);
  return bytes;
}

TEST_F(LoadImage, ReadsPpm) {
  const Image image = gradient(37, 20);
  const std::string bytes = ppm_bytes(image);
  if (!can_read_bitmaps()) GTEST_SKIP() << "built without stb_image";
  write_file(folder_ / "a.ppm", bytes);
  EXPECT_EQ(max_difference(load_image(folder_ / "a.ppm"), image), 0);
  write_file(folder_ / "grey.pgm", std::string("P5 2 2 255\n\x10\x20\x30\x40", 15));
  EXPECT_EQ(load_image(folder_ / "grey.pgm").at(1, 0)[2], 0x20);
  write_file(folder_ / "wide.pgm", "P5 2 2 65535\n12345678");
  EXPECT_THAT(load_error("wide.pgm"), HasSubstr("wide.pgm: a PPM of 16 bits cannot be read"));
  write_file(folder_ / "cut.ppm", bytes.substr(0, bytes.size() - 1));
  EXPECT_THAT(load_error("cut.ppm"), HasSubstr("cut.ppm: the picture is truncated"));
}

#ifdef GSV3D_WITH_IMAGE_FILES

/// A libvips picture of our pixels with `bands` channels (4: with alpha).
VipsImage* to_vips(const Image& image, int bands) {
  std::vector<uint8_t> packed;
  for (size_t i = 0; i < image.pixels.size(); i += 4) packed.insert(packed.end(), &image.pixels[i], &image.pixels[i] + bands);
  VipsImage* raw = vips_image_new_from_memory_copy(packed.data(), packed.size(), static_cast<int>(image.width),
                                                   static_cast<int>(image.height), bands, VIPS_FORMAT_UCHAR);
  VipsImage* tagged = nullptr;
  vips_copy(raw, &tagged, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr);
  g_object_unref(raw);
  return tagged;
}

class Formats : public LoadImage {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(VIPS_INIT("test"), 0); }

  /// Writes with libvips; false when this libvips cannot write the format.
  bool write(VipsImage* picture, const std::string& name, const std::string& options = "") {
    const bool written = vips_image_write_to_file(picture, ((folder_ / name).string() + options).c_str(), nullptr) == 0;
    vips_error_clear();
    g_object_unref(picture);
    return written;
  }
};

TEST_F(Formats, LosslessOnesKeepEveryPixel) {
  Image image = gradient(33, 47);
  image.at(1, 2)[3] = 99;
  for (const auto& [name, options] : std::map<std::string, std::string>{{"a.png", ""}, {"a.webp", "[lossless]"}, {"a.tif", ""}}) {
    ASSERT_TRUE(write(to_vips(image, 4), name, options)) << name;
    const Image back = load_image(folder_ / name);
    EXPECT_EQ(max_difference(back, image), 0) << name;
    EXPECT_TRUE(back.has_alpha) << name;
  }
}

TEST_F(Formats, LossyOnesComeClose) {
  const Image image = gradient(64, 48);
  // Limits: what the formats lose on a smooth ramp at high quality. HEIC and AVIF need encoders that not every system has.
  for (const auto& [name, limit] :
       std::map<std::string, int>{{"a.jpg", 8}, {"a.webp", 12}, {"a.gif", 40}, {"a.heic", 12}, {"a.avif", 12}}) {
    if (!write(to_vips(image, 3), name, name == "a.gif" ? "" : "[Q=95]")) continue;
    EXPECT_LE(max_difference(load_image(folder_ / name), image), limit) << name;
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "a.jpg"));
}

TEST_F(Formats, SixteenBitPaletteAndGreyBecomeEightBitColour) {
  Image image = gradient(32, 32);
  for (int64_t y = 0; y < 32; ++y) image.at(5, y)[3] = static_cast<uint8_t>(8 * y);
  VipsImage *narrow = to_vips(image, 4), *wide = nullptr;
  ASSERT_EQ(vips_colourspace(narrow, &wide, VIPS_INTERPRETATION_RGB16, nullptr), 0);
  g_object_unref(narrow);
  ASSERT_TRUE(write(wide, "wide.png"));
  EXPECT_LE(max_difference(load_image(folder_ / "wide.png"), image), 1);

  ASSERT_TRUE(write(to_vips(blank_image(8, 8, 200, 30, 60), 3), "palette.png", "[palette]"));
  EXPECT_LE(max_difference(load_image(folder_ / "palette.png"), blank_image(8, 8, 200, 30, 60)), 1);

  VipsImage *colour = to_vips(blank_image(8, 8, 90, 90, 90), 3), *grey = nullptr;
  ASSERT_EQ(vips_colourspace(colour, &grey, VIPS_INTERPRETATION_B_W, nullptr), 0);
  g_object_unref(colour);
  ASSERT_TRUE(write(grey, "grey.jpg"));
  EXPECT_LE(max_difference(load_image(folder_ / "grey.jpg"), blank_image(8, 8, 90, 90, 90)), 2);
}

TEST_F(Formats, WideAlphaSurvivesAColourProfile) {
  Image image = blank_image(16, 16, 120, 60, 200);
  for (int64_t x = 0; x < 16; ++x) image.at(x, 7)[3] = static_cast<uint8_t>(17 * x);
  VipsImage *narrow = to_vips(image, 4), *wide = nullptr, *profiled = nullptr;
  ASSERT_EQ(vips_colourspace(narrow, &wide, VIPS_INTERPRETATION_RGB16, nullptr), 0);
  ASSERT_EQ(vips_icc_transform(wide, &profiled, "p3", "input_profile", "srgb", "depth", 16, nullptr), 0) << vips_error_buffer();
  g_object_unref(narrow);
  g_object_unref(wide);
  ASSERT_TRUE(write(profiled, "profiled.png"));
  EXPECT_LE(max_difference(load_image(folder_ / "profiled.png"), image), 2);
}

TEST_F(Formats, CmykBecomesColour) {
  VipsImage *colour = to_vips(blank_image(16, 16, 200, 40, 40), 3), *cmyk = nullptr;
  ASSERT_EQ(vips_colourspace(colour, &cmyk, VIPS_INTERPRETATION_CMYK, nullptr), 0) << vips_error_buffer();
  g_object_unref(colour);
  ASSERT_TRUE(write(cmyk, "print.jpg"));
  // Inks cannot hold every colour: red must stay clearly red.
  const Image back = load_image(folder_ / "print.jpg");
  EXPECT_NEAR(back.at(8, 8)[0], 200, 30);
  EXPECT_NEAR(back.at(8, 8)[1], 40, 40);
  EXPECT_FALSE(back.has_alpha);
}

TEST_F(Formats, ExifRotationIsApplied) {
  // Orientation 6: the camera was turned; the stored picture's left edge is the upright picture's top edge.
  const Image stored = gradient(48, 32);
  VipsImage* picture = to_vips(stored, 3);
  vips_image_set_int(picture, VIPS_META_ORIENTATION, 6);
  ASSERT_TRUE(write(picture, "turned.jpg", "[Q=100]"));
  const Image upright = load_image(folder_ / "turned.jpg");
  ASSERT_EQ(upright.width, 32);
  ASSERT_EQ(upright.height, 48);
  for (int64_t y = 0; y < 48; y += 5) {
    for (int64_t x = 0; x < 32; x += 5) EXPECT_NEAR(upright.at(x, y)[0], stored.at(y, 31 - x)[0], 8) << x << " " << y;
  }
  EXPECT_LE(max_difference(load_image(folder_ / "turned.jpg", Orientation::stored), stored), 8);
}

TEST_F(Formats, FirstFrameOfAnAnimation) {
  VipsImage* frames[] = {to_vips(blank_image(20, 10, 250, 0, 0), 3), to_vips(blank_image(20, 10, 0, 0, 250), 3)};
  VipsImage* strip = nullptr;
  ASSERT_EQ(vips_arrayjoin(frames, &strip, 2, "across", 1, nullptr), 0);
  for (VipsImage* frame : frames) g_object_unref(frame);
  vips_image_set_int(strip, VIPS_META_PAGE_HEIGHT, 10);
  ASSERT_TRUE(write(strip, "animation.webp", "[lossless]"));
  const Image image = load_image(folder_ / "animation.webp");
  EXPECT_LE(max_difference(image, blank_image(20, 10, 250, 0, 0)), 2);
}

TEST_F(Formats, TruncatedJpegIsAnError) {
  ASSERT_TRUE(write(to_vips(gradient(200, 200), 3), "whole.jpg"));
  const std::string bytes = read_file(folder_ / "whole.jpg");
  write_file(folder_ / "cut.jpg", bytes.substr(0, bytes.size() * 2 / 3));
  EXPECT_THAT(load_error("cut.jpg"), AllOf(HasSubstr("cut.jpg"), HasSubstr("truncated")));
}

TEST_F(Formats, TheContentDecidesNotTheName) {
  ASSERT_TRUE(write(to_vips(gradient(20, 20), 3), "really.jpg", "[Q=95]"));
  std::filesystem::rename(folder_ / "really.jpg", folder_ / "odd name [1].png");
  EXPECT_LE(max_difference(load_image(folder_ / "odd name [1].png"), gradient(20, 20)), 12);
}

#endif

}  // namespace
}  // namespace gsv3d
