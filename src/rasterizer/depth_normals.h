// Surface normals of depth images.
#pragma once

#include "camera/camera.h"

namespace gsv3d {

/// Unit normals in world axes, towards the camera, of the surface that `depth` [C, 1, H, W] (camera z; see expected_depth and
/// Rendering::median_depth) shows: the cross product of central differences of the points behind the pixels. mask [C, 1, H, W]
/// (bool, or alpha of which more than 0.5 counts) tells where there is a surface. → [C, 3, H, W]; 0 where the pixel or one of its
/// four neighbours is outside the image or the mask. Differentiable in depth and cameras. Throws Error on mismatched shapes.
Tensor normals_from_depth(const Tensor& depth, const Cameras& cameras, const Tensor& mask);

}  // namespace gsv3d
