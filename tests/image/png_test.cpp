#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "damaged_files.h"
#include "image/image.h"
#include "image_files.h"

namespace gsv3d {
namespace {

using testing::error_of;
using testing::gradient;
using ::testing::HasSubstr;
using testing::max_difference;

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

std::string chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  const auto checksum = ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(content.size())) + body + big_endian(static_cast<uint32_t>(checksum));
}

std::string deflated(const std::string& bytes) {
  uLongf size = ::compressBound(bytes.size());
  std::string out(size, '\0');
  ::compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  return out.substr(0, size);
}

std::string png(uint32_t width, uint32_t height, char depth, char colour, const std::string& rows, char interlace = 0) {
  const std::string header = big_endian(width) + big_endian(height) + std::string{depth, colour, 0, 0, interlace};
  return std::string("\x89PNG\r\n\x1a\n") + chunk("IHDR", header) + chunk("IDAT", deflated(rows)) + chunk("IEND", "");
}

TEST(Png, RoundTripsRgbAndRgba) {
  Image image = gradient(37, 21);
  const Image opaque = decode_png(encode_png(image));
  EXPECT_EQ(max_difference(opaque, image), 0);
  EXPECT_FALSE(opaque.has_alpha);

  for (int64_t i = 0; i < image.width * image.height; ++i) image.pixels[4 * i + 3] = static_cast<uint8_t>(i * 7);
  const Image transparent = decode_png(encode_png(image));
  EXPECT_EQ(max_difference(transparent, image), 0);
  EXPECT_TRUE(transparent.has_alpha);
}

TEST(Png, SmoothPicturesAreSmall) {
  // 256 x 256 x 3 bytes unfiltered are 196608; without working row filters this picture would not get below about 5000.
  EXPECT_LT(encode_png(gradient(256, 256)).size(), 3000u);
}

TEST(Png, ReadsGreyWithAndWithoutAlpha) {
  const Image grey = decode_png(png(2, 1, 8, 0, std::string("\0\x10\x80", 3)));
  EXPECT_THAT(grey.pixels, ::testing::ElementsAre(0x10, 0x10, 0x10, 255, 0x80, 0x80, 0x80, 255));
  const Image grey_alpha = decode_png(png(1, 2, 8, 4, std::string("\0\x10\x20\2\x01\x02", 6)));  // second row: filter "up"
  EXPECT_THAT(grey_alpha.pixels, ::testing::ElementsAre(0x10, 0x10, 0x10, 0x20, 0x11, 0x11, 0x11, 0x22));
}

TEST(Png, EveryCutAndEveryFlippedByteIsAnErrorOrThePicture) {
  const Image image = gradient(9, 5);
  const std::string good = encode_png(image);
  testing::for_each_cut(
      good, [](const std::string& bad, size_t size) { EXPECT_NE(error_of([&] { decode_png(bad); }), "") << "cut to " << size; });
  // Every byte is under a checksum or a fixed value.
  testing::for_each_flipped_byte(good, [](const std::string& bad, size_t place) {
    EXPECT_NE(error_of([&] { decode_png(bad, "bad.png"); }), "") << "byte " << place;
  });
}

TEST(Png, HostileHeadersAreTurnedAwayBeforeMemoryIsTaken) {
  EXPECT_THAT(error_of([] { decode_png(png(30000, 30000, 8, 2, "")); }),
              HasSubstr("30000 x 30000 pixels is more than the limit"));
  EXPECT_THAT(error_of([] { decode_png(png(0xffffffff, 0xffffffff, 8, 2, "")); }), HasSubstr("limit"));
  EXPECT_THAT(error_of([] { decode_png(png(0, 4, 8, 2, "")); }), HasSubstr("PNG"));
  EXPECT_THAT(error_of([] { decode_png(png(8000, 8000, 8, 6, "few")); }), HasSubstr("truncated"));
  EXPECT_THAT(error_of([] { decode_png(png(2, 2, 8, 0, std::string(5, '\0'))); }), HasSubstr("unpacked"));
  EXPECT_THAT(error_of([] { decode_png(png(2, 2, 8, 0, std::string(7, '\0'))); }), HasSubstr("unpacked"));
  EXPECT_THAT(error_of([] { decode_png(png(1, 1, 8, 0, std::string("\5\0", 2))); }), HasSubstr("row filter"));
  EXPECT_THAT(error_of([] { decode_png(png(1, 1, 16, 0, std::string("\0\0\0", 3))); }), HasSubstr("bit depth 16"));
  EXPECT_THAT(error_of([] { decode_png(png(1, 1, 8, 0, std::string("\0\0", 2), 1)); }), HasSubstr("interlace 1"));
}

TEST(Image, TensorsThereAndBack) {
  Image image = gradient(6, 4);
  image.at(2, 1)[3] = 10;
  const Tensor tensor = to_tensor(image);
  EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{4, 4, 6}));
  EXPECT_FLOAT_EQ(tensor[3][1][2].item<float>(), 10 / 255.0F);
  EXPECT_FLOAT_EQ(tensor[0][0][5].item<float>(), 1.0F);
  const Image back = to_image(tensor);
  EXPECT_EQ(max_difference(back, image), 0);
  EXPECT_TRUE(back.has_alpha);
}

TEST(Image, TensorsAreClampedAndRounded) {
  const Tensor values = at::tensor({-1.0F, 0.5F, 2.0F, NAN}).reshape({1, 2, 2}).expand({3, 2, 2});
  const Image image = to_image(values);
  const std::array<int, 4> expected = {0, 128, 255, 0};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(image.pixels[4 * i], expected[i]);
  EXPECT_FALSE(image.has_alpha);
  EXPECT_THAT(error_of([] { to_image(at::zeros({1, 3, 4, 4})); }), HasSubstr("expected a tensor"));
}

}  // namespace
}  // namespace gsv3d
