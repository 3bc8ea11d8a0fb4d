// How large the object is outside, and which way its file stands: Gaussians know neither.
#pragma once

#include <optional>
#include <string>

#include "mesh/mesh_files.h"

namespace gsv3d {

/// "12cm", "120 mm", "0.12m", "4.5in" → metres. Throws UsageError naming `option` without a unit, or outside 0.1 mm to 1 km.
double parse_length(const std::string& text, const std::string& option);

/// Which part of the object a length tells of.
enum class SizedSide { kLongest, kHeight };
struct PhysicalSize {
  SizedSide side = SizedSide::kLongest;
  double metres = 0;
};

/// The object so large that its longest side, or its height (along y), has this length, counted in `unit`. Throws Error when the
/// mesh has no extent there.
Mesh scaled_to(Mesh mesh, const PhysicalSize& size, LengthUnit unit = LengthUnit::kMetre);

/// Turned from +Y up, front +Z, to +Z up, front -Y.
Mesh turned_z_up(Mesh mesh);

/// What a user asks of a mesh file.
struct Placement {
  std::optional<PhysicalSize> size;  ///< none: the Gaussians' own units, and kStlDefaultSize in STL files
  std::optional<UpAxis> up;          ///< none: +Z in STL files, +Y in others
};

/// Programs for printers take STL's numbers as millimetres: objects of about 1 would be specks.
inline constexpr PhysicalSize kStlDefaultSize = {SizedSide::kLongest, 0.1};

/// Throws UsageError for what the format cannot hold: glTF is always +Y up.
void check_placement(const Placement& placement, MeshFormat format);

/// The mesh (+Y up) as a file of this format holds it: STL in millimetres, others in metres. Throws like check_placement and
/// scaled_to.
Mesh placed(Mesh mesh, const Placement& placement, MeshFormat format);

}  // namespace gsv3d
