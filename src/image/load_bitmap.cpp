// BMP, PPM and PGM through stb_image, a header: libvips has readers of them that it does not trust with users' files itself.
#include "core/error.h"
#include "image/load_image.h"

#ifdef GSV3D_HAS_STB
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_FAILURE_USERMSG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#endif

namespace gsv3d {

#ifdef GSV3D_HAS_STB
namespace {

uint32_t little_endian(std::string_view bytes, size_t offset, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size && offset + i < bytes.size(); ++i)
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[offset + i])) << (8 * i);
  return value;
}

/// Bytes from the start of a PPM file to its pixels, which follow one space behind the third number.
size_t ppm_header_size(std::string_view bytes) {
  size_t place = 2;
  for (int number = 0; number < 3; ++number) {
    while (place < bytes.size() && (std::isspace(static_cast<uint8_t>(bytes[place])) || bytes[place] == '#'))
      place = bytes[place] == '#' ? std::min(bytes.find('\n', place), bytes.size()) : place + 1;
    while (place < bytes.size() && std::isdigit(static_cast<uint8_t>(bytes[place]))) ++place;
  }
  return place + 1;
}

/// How long a file with such pixels is at least: stb_image takes what is missing for black.
size_t whole_size(std::string_view bytes, size_t width, size_t height, size_t channels) {
  if (!bytes.starts_with("BM")) return ppm_header_size(bytes) + width * height * channels;
  const size_t header = little_endian(bytes, 14, 4), bits = little_endian(bytes, header == 12 ? 24 : 28, 2);
  return little_endian(bytes, 10, 4) + (width * bits + 31) / 32 * 4 * height;
}

}  // namespace
#endif

bool is_bitmap(std::string_view bytes) {
  return bytes.starts_with("BM") || bytes.starts_with("P5") || bytes.starts_with("P6");
}

#ifdef GSV3D_HAS_STB

bool can_read_bitmaps() {
  return true;
}

Image decode_bitmap(std::string_view bytes, const std::string& name) {
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const auto size = static_cast<int>(bytes.size());  // files are below 2³⁰ bytes
  int width = 0, height = 0, channels = 0;
  // stb_image 2.27 reads beyond its memory when it brings such a picture to four channels.
  require(!stbi_is_16_bit_from_memory(data, size), "{}: a PPM of 16 bits cannot be read; 8 bits can", name);
  if (!stbi_info_from_memory(data, size, &width, &height, &channels))
    fail("{}: the picture cannot be read: {}", name, stbi_failure_reason());
  height = std::abs(height);  // negative in a BMP whose rows begin at the top
  check_picture_size(width, height, name);
  require(bytes.size() >= whole_size(bytes, width, height, channels), "{}: the picture is truncated: {} bytes", name,
          bytes.size());
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(stbi_load_from_memory(data, size, &width, &height, &channels, 4),
                                                         &stbi_image_free);
  if (!pixels) fail("{}: the picture is truncated or damaged: {}", name, stbi_failure_reason());
  Image image{width, height, std::vector<uint8_t>(pixels.get(), pixels.get() + int64_t{4} * width * height), false};
  return image;
}

#else

bool can_read_bitmaps() {
  return false;
}

Image decode_bitmap(std::string_view, const std::string& name) {
  fail("{}: this build reads no BMP and PPM files (it lacks stb_image)", name);
}

#endif

}  // namespace gsv3d
