// The photo's colours on the sides that it does not show. The networks' picture of an unseen side is a mean of many guesses, and
// means of colours are brown and grey; the object's colours are known from the photo (docs/generate.md has pictures and figures).
#pragma once

#include <vector>

#include "camera/posed_photo.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct PhotoPaletteOptions {
  double color_spread = 0.1;    ///< standard deviation in RGB (0-1) within which a photo's colour takes part
  double height_spread = 0.12;  ///< the same along the world's vertical, world units: objects are alike around, not up and down
  int64_t max_colors = 512;     ///< pixels that stand for all photos
};

/// Gaussians whose base colour becomes a mean of the photos' colours, weighted by likeness of colour and of height (one step of
/// a mean shift towards the palette, Comaniciu and Meer 2002). A pixel's height is where its ray meets the plane through the
/// origin that faces the camera. Only solid pixels count; photos without any change nothing. On the CPU.
Gaussians with_photo_palette(Gaussians gaussians, const std::vector<PosedPhoto>& photos, const PhotoPaletteOptions& options = {});

}  // namespace gsv3d
