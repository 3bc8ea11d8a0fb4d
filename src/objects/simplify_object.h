// Fewer triangles where nobody can see them: for packs that are rendered small.
#pragma once

#include "objects/object.h"

namespace gsv3d {

/// Collapses edges of each material while the surface moves by less than about `error` world units (quadric errors,
/// meshoptimizer); vertices are kept or dropped, never changed. The object as it is where the build lacks meshoptimizer.
Object simplified(Object object, double error);

}  // namespace gsv3d
