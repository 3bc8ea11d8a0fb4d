// TGA, BMP and DDS made by hand, and what is refused.
#include "image/texture_files.h"

#include <gmock/gmock.h>

#include "errors.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

std::string little_endian(std::initializer_list<std::pair<uint32_t, int>> numbers) {
  std::string bytes;
  for (const auto& [value, size] : numbers)
    for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 255);
  return bytes;
}

bool lacks_ffmpeg() {
  return error_of([] { decode_texture("BM", "t.bmp"); }).find("BMP picture") != std::string::npos;
}

std::array<int, 4> texel(const Image& image, int64_t x, int64_t y) {
  const uint8_t* at = image.at(x, y);
  return {at[0], at[1], at[2], at[3]};
}

/// 2 x 1 pixels, BGRA, rows upward.
std::string tga() {
  return little_endian({{0, 1}, {0, 1}, {2, 1}, {0, 4}, {0, 1}, {0, 4}, {2, 2}, {1, 2}, {32, 1}, {8, 1}}) +
         std::string("\x03\x02\x01\x80\x0c\x0b\x0a\xff", 8);
}

TEST(TextureFiles, Tga) {
  if (lacks_ffmpeg()) GTEST_SKIP() << "built without FFmpeg";
  for (const char* name : {"oak.tga", "OAK.TGA"}) {
    const Image image = decode_texture(tga(), name);
    EXPECT_EQ(texel(image, 0, 0), (std::array<int, 4>{1, 2, 3, 128}));
    EXPECT_EQ(texel(image, 1, 0), (std::array<int, 4>{10, 11, 12, 255}));
    EXPECT_TRUE(image.has_alpha);
  }
  EXPECT_THAT(error_of([] { decode_texture(tga(), "oak.dat"); }), HasSubstr("oak.dat: not a picture"));
  EXPECT_THAT(error_of([] { decode_texture(tga().substr(0, 15), "oak.tga"); }), HasSubstr("oak.tga: "));
}

TEST(TextureFiles, Bmp) {
  if (lacks_ffmpeg()) GTEST_SKIP() << "built without FFmpeg";
  // 1 x 2 pixels of 24 bits, rows upward and padded to 4 bytes.
  const std::string bmp = "BM" +
                          little_endian({{62, 4},
                                         {0, 4},
                                         {54, 4},
                                         {40, 4},
                                         {1, 4},
                                         {2, 4},
                                         {1, 2},
                                         {24, 2},
                                         {0, 4},
                                         {8, 4},
                                         {2835, 4},
                                         {2835, 4},
                                         {0, 4},
                                         {0, 4}}) +
                          std::string("\x03\x02\x01\x00\x0c\x0b\x0a\x00", 8);
  const Image image = decode_texture(bmp, "oak");
  ASSERT_EQ(image.height, 2);
  EXPECT_EQ(texel(image, 0, 0), (std::array<int, 4>{10, 11, 12, 255})) << "the last row is the upper one";
  EXPECT_EQ(texel(image, 0, 1), (std::array<int, 4>{1, 2, 3, 255}));
}

TEST(TextureFiles, DdsBlockCompressed) {
  if (lacks_ffmpeg()) GTEST_SKIP() << "built without FFmpeg";
  // One BC1 block: colour 0 pure red (31 << 11), colour 1 pure blue (31); the first row takes colour 1, the others colour 0.
  std::string dds = "DDS " + little_endian({{124, 4}, {0x1007, 4}, {4, 4}, {4, 4}, {8, 4}, {0, 4}, {0, 4}}) +
                    std::string(44, '\0') + little_endian({{32, 4}, {4, 4}}) + "DXT1" + std::string(20, '\0') +
                    little_endian({{0x1000, 4}}) + std::string(16, '\0');
  ASSERT_EQ(dds.size(), 128U);
  dds += little_endian({{31U << 11, 2}, {31, 2}, {0x55, 4}});
  const Image image = decode_texture(dds, "oak.dds");
  EXPECT_EQ(texel(image, 0, 0), (std::array<int, 4>{0, 0, 255, 255}));
  EXPECT_EQ(texel(image, 3, 1), (std::array<int, 4>{255, 0, 0, 255}));
  EXPECT_THAT(error_of([&] { decode_texture(dds.substr(0, 100), "oak.dds"); }), HasSubstr("oak.dds: "));
}

TEST(TextureFiles, PngOfOnePixel) {
  if (lacks_ffmpeg()) GTEST_SKIP() << "built without FFmpeg";
  EXPECT_EQ(texel(decode_texture(encode_png(blank_image(1, 1, 9, 8, 7)), "t.png"), 0, 0), (std::array<int, 4>{9, 8, 7, 255}));
  EXPECT_EQ(texel(decode_texture(encode_png(blank_image(2, 2, 9, 8, 7, 6)), "t.png"), 1, 1), (std::array<int, 4>{9, 8, 7, 6}));
}

TEST(TextureFiles, KtxIsRefusedByName) {
  EXPECT_THAT(error_of([] { decode_texture("\xabKTX 20\xbb\r\n\x1a\n", "oak.ktx2"); }), HasSubstr("oak.ktx2: KTX textures"));
}

}  // namespace
}  // namespace gsv3d
