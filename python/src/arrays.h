// Pictures between numpy arrays and image/.
#pragma once

#include <nanobind/ndarray.h>

#include "image/image.h"

namespace gsv3d::python {

/// uint8 [H, W, 4], row by row from the top.
using PictureArray = nanobind::ndarray<const uint8_t, nanobind::ndim<3>, nanobind::c_contig, nanobind::device::cpu>;

/// The same, for Python to keep.
using OwnPictureArray = nanobind::ndarray<nanobind::numpy, uint8_t, nanobind::shape<-1, -1, 4>>;

/// The picture's own memory, which Python frees. The interpreter's lock must be held.
OwnPictureArray array_of(Image image);

/// Throws UsageError unless it is RGBA with 1 to kMaxPixels pixels.
Image image_of(const PictureArray& array);

}  // namespace gsv3d::python
