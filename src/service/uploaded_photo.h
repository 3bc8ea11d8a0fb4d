// Photos as clients send them: decoded within the service's limits, combined with a mask, and small for lists.
#pragma once

#include <string>

#include "image/image.h"

namespace gsv3d {

class Service;

/// Longer side of the small pictures of photos in lists.
inline constexpr int64_t thumbnail_pixels = 320;

/// Decodes one photo at a time, as they may be large. `name` begins the messages. Throws Problem 413 (too many pixels) and 422
/// (empty), Error for what is no picture.
Image decode_upload(Service& service, const std::string& bytes, const std::string& name);

/// The photo cut out by the mask (with_matte), as a picture that the pipeline takes as cut out: where the mask keeps nearly
/// everything, a transparent margin is put around it, which framing takes away again. Throws Error when nothing is kept.
Image masked_photo(const Image& photo, const Image& mask);

/// At most `side` pixels wide and high, in the photo's proportions; never enlarged.
Image small_copy(const Image& photo, int64_t side);

}  // namespace gsv3d
