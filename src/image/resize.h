// Resampling that gives the same bytes as Pillow, which SV3D's preprocessing was trained with.
#pragma once

#include "image/image.h"

namespace gsv3d {

/// Resizes to width × height with a Lanczos-3 filter that widens when shrinking. Integer arithmetic as in Pillow's Image.resize
/// on an RGBA picture: colours are premultiplied, both passes round to 8 bits, then un-premultiplied. The same size returns a
/// copy. Throws Error for sizes below 1 or above kMaxPixels.
Image resize_lanczos(const Image& image, int64_t width, int64_t height);

}  // namespace gsv3d
