// Repairs of extracted surfaces: loose pieces, edges with too many triangles, holes, bumps, too many triangles.
#pragma once

#include "mesh/mesh.h"

namespace gsv3d {

/// Drops connected pieces whose area is below `min_share` of the largest piece's (1: only the largest stays).
void remove_floaters(Mesh& mesh, double min_share);

/// Makes the mesh closed: drops triangles that are flat or fold an edge onto a third triangle, and fills every hole with a fan
/// around its centre. Afterwards topology().closed() holds. Works on positions and triangles; → number of triangles added.
int64_t close_holes(Mesh& mesh);

/// Taubin's smoothing (1995): `rounds` of a shrinking and a growing step, which flatten bumps and keep the volume.
void smooth(Mesh& mesh, int64_t rounds);

/// True when this build can do simplify() and unwrap() (GSV3D_WITH_MESH_LIBRARIES).
bool has_mesh_libraries();

/// Fewer triangles, at most `max_triangles`, by edge collapses with quadric errors (Garland and Heckbert 1997; meshoptimizer).
/// Throws Error in builds without the libraries, when there is something to do.
void simplify(Mesh& mesh, int64_t max_triangles);

}  // namespace gsv3d
