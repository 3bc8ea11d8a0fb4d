// What the networks see of an object: its colour over white, and where it is.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// [..., 4, H, W] RGBA in 0-1 (colour not premultiplied) → [..., 3, H, W] over white.
Tensor on_white(const Tensor& rgba);

/// [..., 4, H, W] RGBA in 0-1 (colour not premultiplied) → a picture [..., 4, H, W]: RGB over white, then alpha. Photos, true
/// views and decoded views all have this form; networks made for RGB take the first three channels.
Tensor picture(const Tensor& rgba);

}  // namespace gsv3d
