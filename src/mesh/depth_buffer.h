// Which part of a mesh each pixel of a camera sees.
#pragma once

#include "camera/camera.h"
#include "mesh/mesh.h"

namespace gsv3d {

/// Camera z of the nearest triangle at every pixel centre, whichever way it faces: [C, H, W] float32, 0 where there is none.
/// Triangles that reach behind a camera are left out.
Tensor mesh_depth(const Mesh& mesh, const Cameras& cameras);

}  // namespace gsv3d
