// What a closed mesh weighs and how it turns.
#pragma once

#include <array>

#include "mesh/mesh.h"

namespace gsv3d {

/// Of a solid of one density. Units follow the mesh's: with positions in metres and density in kg/m³, kg and kg m².
struct MassProperties {
  double volume = 0;
  double mass = 0;
  std::array<double, 3> center{};  ///< of mass
  /// About the centre of mass, along the mesh's axes: xx, yy, zz, xy, xz, yz of the symmetric tensor (xy = -∫ x y dm).
  std::array<double, 6> inertia{};
};

/// A sum over signed tetrahedra from one point to every triangle (the polyhedral integrals of Mirtich 1996 and Eberly): exact but
/// for rounding. Throws Error unless the mesh, joined at equal positions, is closed and its volume is positive.
MassProperties mass_properties(const Mesh& mesh, double density);

}  // namespace gsv3d
