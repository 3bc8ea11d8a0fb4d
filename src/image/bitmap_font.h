// A built-in 5 × 7 dot font for captions, so that contact sheets need no font files.
#pragma once

#include <array>
#include <string_view>

#include "image/image.h"

namespace gsv3d {

inline constexpr int64_t kGlyphWidth = 5, kGlyphHeight = 7, kGlyphAdvance = 6;

/// Width in pixels of a text at `scale` pixels per dot.
int64_t text_width(std::string_view text, int64_t scale);

/// Draws text with its top left corner at (x, y), clipped to the picture. Letters are capitals; characters that the font lacks
/// show as a box.
void draw_text(Image& image, int64_t x, int64_t y, std::string_view text, int64_t scale, std::array<uint8_t, 3> colour);

}  // namespace gsv3d
