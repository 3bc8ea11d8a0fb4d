// Size and axes of mesh files, the same in every command that writes one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "mesh/physical_size.h"

namespace gsv3d {

struct MeshPlacementOptions {
  std::string size, height, up;

  /// --mesh-size, --height and --up, and --size for the first where the command has no other option of this name. The struct must
  /// live until the command line has been parsed.
  void add_to(CLI::App& command);
  /// What was given. Throws UsageError for lengths without a unit or out of range.
  Placement placement() const;
};

/// ", 120 x 80 x 95 mm", or nothing when the mesh's unit is not known.
std::string size_words(const Mesh& mesh);

}  // namespace gsv3d
