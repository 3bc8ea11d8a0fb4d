// Between load_image and the decoder that this build has: load_vips.cpp or load_png_only.cpp,
// and load_bitmap.cpp, which both use.
#pragma once

#include <string>
#include <string_view>

#include "image/image.h"

namespace gsv3d {

/// Decodes a whole file's bytes to sRGB; has_alpha is left to the caller. Throws Error; `name` begins every message.
Image decode_picture(const std::string& bytes, const std::string& name, Orientation orientation = Orientation::upright);

/// BMP, and binary PPM and PGM: the formats that decode_bitmap reads.
bool is_bitmap(std::string_view bytes);
/// Whether this build has stb_image, which decode_bitmap needs.
bool can_read_bitmaps();
/// Decodes such a file's bytes. Throws Error as decode_picture does.
Image decode_bitmap(std::string_view bytes, const std::string& name);

/// "this build reads ...", for messages.
std::string readable_formats();

/// Throws Error unless the size is between 2 × 2 and kMaxPixels. Called with the header's size, before pixels are decoded.
void check_picture_size(int64_t width, int64_t height, const std::string& name);

/// Throws the Error for bytes that no decoder knows, saying what they look like.
[[noreturn]] void fail_unknown_format(std::string_view bytes, const std::string& name);

}  // namespace gsv3d
