// WebP pictures in memory (https://developers.google.com/speed/webp), for packs of objects.
#pragma once

#include <string>
#include <string_view>

#include "image/image.h"

namespace gsv3d {

/// Lossy with exact alpha. Throws Error when this build has no WebP.
std::string encode_webp(const Image& image, int64_t quality);

/// Throws Error when the bytes are no WebP or larger than 4096 pixels a side; `where` begins the message.
Image decode_webp(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
