// Between load_image and the decoder that this build has: load_vips.cpp or load_png_only.cpp.
#pragma once

#include <string>
#include <string_view>

#include "image/image.h"

namespace gsv3d {

/// Decodes a whole file's bytes to upright sRGB; has_alpha is left to the caller. Throws Error; `name` begins every message.
Image decode_picture(const std::string& bytes, const std::string& name);

/// "this build reads ...", for messages.
std::string readable_formats();

/// Throws Error unless the size is between 2 × 2 and kMaxPixels. Called with the header's size, before pixels are decoded.
void check_picture_size(int64_t width, int64_t height, const std::string& name);

/// Throws the Error for bytes that no decoder knows, saying what they look like.
[[noreturn]] void fail_unknown_format(std::string_view bytes, const std::string& name);

}  // namespace gsv3d
