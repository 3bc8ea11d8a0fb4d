// A robot simulator's description of one rigid object.
#pragma once

#include <filesystem>
#include <optional>

#include "mesh/mass_properties.h"

namespace gsv3d {

struct UrdfOptions {
  std::optional<double> mass;  ///< kg; none: from the density
  double density = 1000;       ///< kg/m³, that of water
};

/// Writes `path` and NAME_collision.obj beside it: one link in metres, +Z up and front -Y, whose picture is `visual`, a file of
/// `mesh` in the same folder; whose collision body is the mesh's convex hull; and whose mass, centre and inertia are those of a
/// solid of one density. Meshes without a unit count as metres. Throws Error when the mesh is not closed, or in builds without
/// Qhull.
MassProperties write_urdf(const std::filesystem::path& path, const std::filesystem::path& visual, const Mesh& mesh,
                          const UrdfOptions& options = {});

}  // namespace gsv3d
