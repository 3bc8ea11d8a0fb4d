// Animated GIF and WebP pictures, for pages and messages that show no video.
#pragma once

#include <filesystem>
#include <vector>

#include "image/image.h"

namespace gsv3d {

struct AnimationOptions {
  double frames_per_second = 12;
  int quality = 90;  ///< of WebP, 0-100
};

/// Writes frames of one size as an endless animation, whole or not at all; one frame makes a still picture. The name decides:
/// .gif (256 colours, transparent or not) or .webp (full colour and transparency). Throws Error when the frames differ in size,
/// are more than 2³⁰ bytes together, when the file cannot be written, or when the build has no libvips
/// (GSV3D_WITH_IMAGE_FILES=OFF).
void write_animation(const std::filesystem::path& path, const std::vector<Image>& frames, const AnimationOptions& options = {});

}  // namespace gsv3d
