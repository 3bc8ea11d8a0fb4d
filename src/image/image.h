// 8-bit RGBA pictures: what files hold and what framing works on, before anything becomes a tensor.
#pragma once

#include <cstdint>
#include <filesystem>
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

/// Reads JPEG (EXIF rotation applied), PNG (8/16 bit, palette, alpha), WebP, and HEIC, AVIF, TIFF, GIF where libvips can; converts to sRGB.
/// Throws Error for files that are missing, truncated, not pictures, smaller than 2 × 2, or above 64 megapixels (checked before decoding).
Image load_image(const std::filesystem::path& path);

/// Writes a PNG atomically (zlib through our own small writer, so that it works without libvips).
void save_png(const std::filesystem::path& path, const Image& image);
/// Encodes as PNG in memory / decodes a PNG that save_png wrote or any 8-bit RGB(A) PNG (used by dataset shards).
std::string encode_png(const Image& image);

/// [3, H, W] or [4, H, W] float in 0-1 (clamped, rounded) or uint8 → picture; and back to float32 [4, H, W] in 0-1.
Image to_image(const Tensor& tensor);
Tensor to_tensor(const Image& image);

}  // namespace gsv3d
