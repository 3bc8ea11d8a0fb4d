// Filters of a signed distance field before its surface is extracted: what is easy on a grid and hard on triangles.
#pragma once

#include "mesh/scalar_grid.h"

namespace gsv3d {

/// `rounds` of a [1 2 1] / 4 mean along every axis; each adds half a squared sample of variance. Flattens steps and noise.
void blur(ScalarGrid& grid, int64_t rounds);

}  // namespace gsv3d
