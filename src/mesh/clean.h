// Cleaning of extracted surfaces: loose pieces and bumps.
#pragma once

#include "mesh/mesh.h"

namespace gsv3d {

/// Drops connected pieces whose area is below `min_share` of the largest piece's (1: only the largest stays).
void remove_floaters(Mesh& mesh, double min_share);

/// Taubin's smoothing (1995): `rounds` of a shrinking and a growing step, which flatten bumps and keep the volume. Where
/// triangles would cross each other afterwards and did not before, vertices stay where they were.
void smooth(Mesh& mesh, int64_t rounds);

}  // namespace gsv3d
