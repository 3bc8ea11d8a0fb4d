#include "mesh_options.h"

#include <fmt/format.h>

namespace gsv3d {

void MeshPlacementOptions::add_to(CLI::App& command) {
  auto* longest = command.add_option(command.get_option_no_throw("--size") ? "--mesh-size" : "--size,--mesh-size", size,
                                     "length of the mesh's longest side, such as 12cm (mm, cm, m, in): STL files are in "
                                     "millimetres (100 without a size), others in metres");
  command.add_option("--height", height, "height of the mesh instead, such as 45mm")->excludes(longest);
  command
      .add_option("--up", up,
                  "axis that points up in the mesh: z in STL files, else y; glTF files are always y by their standard")
      ->check(CLI::IsMember({"y", "z"}));
}

Placement MeshPlacementOptions::placement() const {
  Placement result;
  if (!size.empty()) result.size = {SizedSide::kLongest, parse_length(size, "--size")};
  if (!height.empty()) result.size = {SizedSide::kHeight, parse_length(height, "--height")};
  if (!up.empty()) result.up = up == "z" ? UpAxis::kZ : UpAxis::kY;
  return result;
}

std::string size_words(const Mesh& mesh) {
  if (mesh.unit == LengthUnit::kUnknown) return "";
  const Vector3 size = bounding_box(mesh).size() * (mesh.unit == LengthUnit::kMetre ? 1000.0F : 1.0F);
  return fmt::format(", {:.4g} x {:.4g} x {:.4g} mm", size.x, size.y, size.z);
}

}  // namespace gsv3d
