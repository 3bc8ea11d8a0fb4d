// A mesh's options from Python's arguments.
#pragma once

#include "mesh/gaussian_mesh.h"

namespace gsv3d::python {

/// texture_size 0: no texture.
MeshOptions mesh_options(int64_t resolution, int64_t triangles, int64_t texture_size, bool watertight);

}  // namespace gsv3d::python
