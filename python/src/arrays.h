// Pictures between numpy arrays and image/.
#pragma once

#include <nanobind/ndarray.h>

#include "image/image.h"

namespace gsv3d::python {

/// uint8 [H, W, 4], row by row from the top.
using PictureArray = nanobind::ndarray<const uint8_t, nanobind::ndim<3>, nanobind::c_contig, nanobind::device::cpu>;

/// Throws UsageError unless it is RGBA with 1 to kMaxPixels pixels.
Image image_of(const PictureArray& array);

}  // namespace gsv3d::python
