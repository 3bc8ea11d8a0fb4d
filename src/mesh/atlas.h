// Texture coordinates: the surface cut into charts and laid flat into one picture (xatlas).
#pragma once

#include "mesh/mesh.h"

namespace gsv3d {

/// Gives the mesh texture coordinates for a square picture of `texture_size` pixels, charts about two pixels apart. Vertices on
/// seams are doubled; normals are kept. Throws Error in builds without xatlas (GSV3D_WITH_MESH_LIBRARIES).
void unwrap(Mesh& mesh, int64_t texture_size);

}  // namespace gsv3d
