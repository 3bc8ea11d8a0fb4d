// A mesh back from the GLB file that it was written to, so that other formats can be made of it later.
#pragma once

#include <filesystem>

#include "mesh/mesh.h"

namespace gsv3d {

/// What write_glb() wrote, to the last bit: positions, triangles, normals, texture coordinates, texture and unit. Throws Error
/// when the file cannot be read or is another program's.
Mesh read_glb_mesh(const std::filesystem::path& path);

}  // namespace gsv3d
