// 8-bit RGBA pictures: what files hold and what framing works on, before anything becomes a tensor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;  ///< RGBA, row-major, colour not premultiplied
  bool has_alpha = false;       ///< the file had an alpha channel with at least one pixel that is not opaque

  uint8_t* at(int64_t x, int64_t y) { return pixels.data() + 4 * (y * width + x); }
  const uint8_t* at(int64_t x, int64_t y) const { return pixels.data() + 4 * (y * width + x); }
};

/// The largest picture that is read, in pixels: 64 megapixels, 256 MB once decoded.
inline constexpr int64_t kMaxPixels = int64_t{64} << 20;

/// A picture of one colour (RGBA bytes).
Image blank_image(int64_t width, int64_t height, uint8_t red, uint8_t green, uint8_t blue, uint8_t alpha = 255);

/// True when some pixel is not opaque: what Image::has_alpha has to say.
bool has_transparency(const Image& image);

/// Which way up a picture is read: as its EXIF tag says that it is meant to be seen, or as its pixels are stored, which is what
/// cameras of photogrammetry refer to.
enum class Orientation { upright, stored };

/// Reads JPEG, PNG (8/16 bit, palette, alpha), WebP, and HEIC, AVIF, TIFF, GIF where libvips can; BMP and binary PPM and PGM
/// where stb_image was found; converts to sRGB. Of animations and multi-page files, the first picture. The content decides about
/// the format, not the file's name. Throws Error for files that are missing, truncated, not pictures, smaller than 2 × 2, or
/// above 64 megapixels (checked before decoding). A build without libvips (GSV3D_WITH_IMAGE_FILES=OFF) reads what decode_png and
/// stb_image read, and says so when it is given anything else.
Image load_image(const std::filesystem::path& path, Orientation orientation = Orientation::upright);

/// Writes a PNG atomically (zlib through our own small writer, so that it works without libvips).
void save_png(const std::filesystem::path& path, const Image& image);
/// Encodes as PNG in memory: 8-bit RGB when every pixel is opaque, else RGBA. Throws Error for an empty picture.
std::string encode_png(const Image& image);
/// Decodes an 8-bit, non-interlaced grey, grey + alpha, RGB or RGBA PNG, such as encode_png makes (https://www.w3.org/TR/png-3/).
/// Safe for hostile input: sizes are checked before anything is allocated. `name` begins every message. Throws Error.
Image decode_png(std::string_view bytes, const std::string& name = "PNG");

/// [3, H, W] or [4, H, W], floating point in 0-1 (clamped, rounded; not-a-number becomes 0) or uint8 → picture; and back to
/// float32 [4, H, W] in 0-1 on the CPU. Colour is not premultiplied on either side. Throws Error on other shapes and types.
Image to_image(const Tensor& tensor);
Tensor to_tensor(const Image& image);

}  // namespace gsv3d
