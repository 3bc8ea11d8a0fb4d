// The smallest convex body around a mesh: what physics engines collide with.
#pragma once

#include "mesh/mesh.h"

namespace gsv3d {

/// True when this build can do it (GSV3D_WITH_QHULL).
bool has_convex_hull();

/// A closed mesh of triangles that face outward, by Qhull; its vertices are some of the mesh's positions. Throws Error for flat
/// meshes, and in builds without Qhull.
Mesh convex_hull(const Mesh& mesh);

}  // namespace gsv3d
