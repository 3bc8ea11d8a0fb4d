// The photo itself, on the side of the object that it shows. The networks see it at the model's size and through a latent; here
// each pixel of the photo, at its own resolution, becomes a small flat Gaussian on the surface that the object already has, so
// that the seen side is as sharp and as true in colour as the photo (docs/generate.md has pictures and figures).
#pragma once

#include <vector>

#include "camera/camera.h"
#include "camera/posed_photo.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct PhotoSurfaceOptions {
  int64_t max_gaussians = 40'000;  ///< larger photos are shrunk until no more of their pixels are solid: 2.7 MB of PLY
  int64_t color_rounds = 3;        ///< each gives every pixel's Gaussian what its pixel still lacks of the photo's colour
};

/// `object` with the photo's pixels on its surface. photo: [4, P, P] RGBA float32 in 0-1, not premultiplied, as `camera` (one
/// camera of any size) sees the object. The depth of a pixel is where the object's own Gaussians turn solid, a little smoothed,
/// and continued where the photo is solid but the object is not; what stands before that surface goes. Solid: alpha above 0.5.
/// Gaussians come in the order of the photo's pixels, after the object's. An object that the photo does not meet, and a photo
/// without a solid pixel, change nothing. Everything on the CPU. Throws Error for other shapes.
/// `rivals`: cameras of other photos; where one of them sees the surface less from the side, the pixel is left to it.
Gaussians with_photo_surface(const Gaussians& object, const Tensor& photo, const Cameras& camera,
                             const PhotoSurfaceOptions& options = {}, const Cameras& rivals = {});

/// The pixels of several photos, each where it sees the surface least from the side. They share max_gaussians, of which there are
/// half as many again for every photo but the first.
Gaussians with_photo_surfaces(const Gaussians& object, const std::vector<PosedPhoto>& photos,
                              const PhotoSurfaceOptions& options = {});

}  // namespace gsv3d
