// A camera as the kernels want it.
#pragma once

#include "rasterizer/cpu/layout.h"

namespace gsv3d::splat_cpu {

/// From a row-major 4×4 world-to-camera matrix and a 3×3 matrix of intrinsics. Throws Error when the camera has no inverse or a
/// focal length is not positive; `index` is its number in that message.
View make_view(const float* world_to_camera, const float* intrinsics, int64_t index);

}  // namespace gsv3d::splat_cpu
