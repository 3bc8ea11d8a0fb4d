// How large the object is outside, and which way its file stands: Gaussians know neither.
#pragma once

#include <string>

#include "mesh/mesh.h"

namespace gsv3d {

/// "12cm", "120 mm", "0.12m", "4.5in" → metres. Throws UsageError naming `option` without a unit, or outside 0.1 mm to 1 km.
double parse_length(const std::string& text, const std::string& option);

/// Which part of the object a length tells of.
enum class SizedSide { kLongest, kHeight };

/// The object so large that its longest side, or its height (along y), is `metres` long: in metres, or in millimetres with
/// `millimetres`. Throws Error when the mesh has no extent there.
Mesh scaled_to(Mesh mesh, SizedSide side, double metres, bool millimetres = false);

/// Turned from +Y up, front +Z, to +Z up, front -Y.
Mesh turned_z_up(Mesh mesh);

}  // namespace gsv3d
