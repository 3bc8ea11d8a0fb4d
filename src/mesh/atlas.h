// Texture coordinates: the surface cut into charts and laid flat into one picture (xatlas).
#pragma once

#include <functional>

#include "mesh/mesh.h"

namespace gsv3d {

/// Called with 0 to 100.
using PercentProgress = std::function<void(int64_t percent)>;

/// True when this build can do it (GSV3D_WITH_MESH_LIBRARIES).
bool has_mesh_libraries();

/// Gives the mesh texture coordinates for a square picture of `texture_size` pixels, charts about two pixels apart and as large
/// as they fit. Vertices on seams are doubled; normals are kept. Throws Cancelled on Ctrl-C, Error in builds without xatlas
/// (GSV3D_WITH_MESH_LIBRARIES).
void unwrap(Mesh& mesh, int64_t texture_size, const PercentProgress& on_progress = {});

}  // namespace gsv3d
