// Which pixels of a cut-out belong to the object: the one answer that framing, the check of mattes and the decision about a
// photo's own transparency share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/image.h"

namespace gsv3d {

struct ObjectBox {
  int64_t x = 0, y = 0, width = 0, height = 0;
};

/// Below this alpha (10 %) a pixel is haze: what matting leaves of a background, too faint to be seen on white.
inline constexpr uint8_t kLeastSolidAlpha = 26;

/// A cut-out with everything transparent that is not the object, and the smallest rectangle around what is left.
struct CleanCutout {
  Image image;
  ObjectBox box;
};

/// The object is what is solid (alpha of kLeastSolidAlpha or more) without specks, which are separate areas of at most 4 pixels
/// or 0.1 % of all that is solid, and the faint pixels of its soft rim: not farther from it than 2 pixels and 0.2 % of the
/// picture's longer side. A clean cut-out stays as it is. Throws Error when nothing is solid.
CleanCutout clean_cutout(const Image& image);

/// The box of clean_cutout.
ObjectBox object_box(const Image& image);

/// Whether a picture's transparency cuts an object out: at least 2 % of it is faint and belongs to an area that reaches the
/// border. Rounded corners, a soft or transparent frame of up to 2 pixels and 1 % of the longer side, and soft or empty pixels
/// inside of a photo are no cut-out.
bool is_cut_out(const Image& image);

/// What speaks against a cut-out of the user's own, one phrase: it lies along a border of the photo with a quarter of its width
/// or height, as an object does that the camera did not see whole. One that reaches all four borders was only trimmed. Empty:
/// nothing.
std::vector<std::string> frame_doubts(const Image& cutout);

/// What speaks against a matte, one phrase each: nearly all or next to nothing is object, it reaches three borders or more, or
/// fewer as in frame_doubts, it falls into several large pieces. Empty for a plausible one.
std::vector<std::string> matte_doubts(const Image& cutout);

}  // namespace gsv3d
