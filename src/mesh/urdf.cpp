#include "mesh/urdf.h"

#include <fmt/format.h>

#include "core/atomic_file.h"
#include "core/markup.h"
#include "mesh/convex_hull.h"
#include "mesh/physical_size.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// The mesh as the link sees it.
Mesh in_link(const Mesh& mesh) {
  Mesh result = weld(mesh);
  if (mesh.unit == LengthUnit::kMillimetre)
    for (Vector3& p : result.positions) p = p * 1e-3F;
  return mesh.up == UpAxis::kY ? turned_z_up(std::move(result)) : result;
}

}  // namespace

MassProperties write_urdf(const fs::path& path, const fs::path& visual, const Mesh& mesh, const UrdfOptions& options) {
  const Mesh link = in_link(mesh);
  const double volume = mass_properties(link, 1).volume;
  const MassProperties mass = mass_properties(link, options.mass ? *options.mass / volume : options.density);
  const Mesh hull = convex_hull(link);
  const std::string name = path.stem().string(), collision = name + "_collision.obj";
  const auto& [x, y, z] = mass.center;
  const auto& [xx, yy, zz, xy, xz, yz] = mass.inertia;
  const double scale = mesh.unit == LengthUnit::kMillimetre ? 1e-3 : 1;
  std::string text = fmt::format("<?xml version=\"1.0\"?>\n<robot name=\"{0}\">\n  <link name=\"{0}\">\n", escaped(name));
  text += fmt::format(
      "    <inertial>\n      <origin xyz=\"{:.9g} {:.9g} {:.9g}\" rpy=\"0 0 0\"/>\n      <mass value=\"{:.9g}\"/>\n"
      "      <inertia ixx=\"{:.9g}\" ixy=\"{:.9g}\" ixz=\"{:.9g}\" iyy=\"{:.9g}\" iyz=\"{:.9g}\" izz=\"{:.9g}\"/>\n"
      "    </inertial>\n",
      x, y, z, mass.mass, xx, xy, xz, yy, yz, zz);
  text += fmt::format(
      "    <visual>\n      <origin xyz=\"0 0 0\" rpy=\"{} 0 0\"/>\n      <geometry><mesh filename=\"{}\" scale=\"{} {} "
      "{}\"/></geometry>\n"
      "    </visual>\n",
      mesh.up == UpAxis::kY ? "1.5707963267948966" : "0", escaped(visual.filename().string()), scale, scale, scale);
  text +=
      fmt::format("    <collision>\n      <geometry><mesh filename=\"{}\"/></geometry>\n    </collision>\n  </link>\n</robot>\n",
                  escaped(collision));
  Mesh named = hull;
  named.unit = LengthUnit::kMetre, named.up = UpAxis::kZ;
  write_obj(path.parent_path() / collision, named);
  write_file(path, text);
  return mass;
}

}  // namespace gsv3d
