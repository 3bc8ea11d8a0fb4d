// A photo and where it was taken from: what lays its pixels on surfaces and textures.
#pragma once

#include "camera/camera.h"

namespace gsv3d {

struct PosedPhoto {
  Tensor rgba;     ///< [4, H, W] float32 in 0-1, not premultiplied
  Cameras camera;  ///< the one that took it, images of H × W pixels
};

}  // namespace gsv3d
