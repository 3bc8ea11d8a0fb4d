// Real spherical harmonics up to degree 3 in 3DGS's order and signs, as polynomials of a unit direction.
#pragma once

#include "gaussians/host_device.h"

namespace gsv3d::splat_math {

constexpr int kMaxShCount = 16;

#define GSV3D_REAL float
#define GSV3D_REAL_FUNCTION GSV3D_HOST_DEVICE
#include "gaussians/spherical_harmonics.inc"
#undef GSV3D_REAL
#undef GSV3D_REAL_FUNCTION

}  // namespace gsv3d::splat_math
