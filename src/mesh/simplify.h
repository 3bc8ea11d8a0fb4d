// Fewer triangles without breaking what printers' programs need: a surface that is a manifold and does not cross itself.
#pragma once

#include "mesh/mesh.h"

namespace gsv3d {

/// Collapses edges by quadric errors (Garland and Heckbert 1997) until at most `max_triangles` are left, or until no collapse is
/// allowed any more. A collapse is allowed when it keeps the surface's topology (the link condition of Dey et al. 1999), turns no
/// triangle over, makes no sliver, and no triangle cross another one. So a closed manifold stays one, with the same components
/// and the same Euler number, and one that does not cross itself still does not. Works on positions and triangles. Throws Error
/// unless the mesh is closed (topology().closed()); Cancelled on Ctrl-C.
void simplify(Mesh& mesh, int64_t max_triangles);

}  // namespace gsv3d
