// Starting libvips once, for everything that uses it. Only for builds with GSV3D_WITH_IMAGE_FILES.
#pragma once

#include <string>

namespace gsv3d {

/// Starts libvips at the first call. Throws Error when that fails.
void start_vips();

/// The first line of libvips' error text, which it then forgets: call it only after a failure.
std::string vips_reason();

}  // namespace gsv3d
