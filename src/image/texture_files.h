// Pictures as 3D files carry them: what load_image reads, and the formats of games and modelling programs.
#pragma once

#include <string>

#include "image/image.h"

namespace gsv3d {

/// Decodes a whole file: TGA, BMP and DDS (BC1 to BC5 and uncompressed) through FFmpeg's decoders, everything else as
/// decode_picture does. Which it is, the content says; `name` decides for TGA alone, whose first version has no mark. Sets
/// has_alpha. Throws Error, which begins with `name`; KTX and KTX2 are refused by name.
Image decode_texture(const std::string& bytes, const std::string& name);

}  // namespace gsv3d
