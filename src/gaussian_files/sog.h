// SOG version 2, PlayCanvas' zip of WebP images with a JSON of codebooks: reading only. Layout and precision: docs/formats.md.
#pragma once

#include <string>
#include <string_view>

#include "gaussian_files/ply.h"

namespace gsv3d {

/// Whether this build has libzip and libwebp, which SOG files need.
bool can_read_sog();

/// The Gaussians of a file in the given frame, in our world. Throws Error on damaged files and when this build has no libzip or
/// libwebp; `where` begins the message.
GaussianFile decode_sog(std::string_view bytes, const std::string& where, Frame frame);

}  // namespace gsv3d
