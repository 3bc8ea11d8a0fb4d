#include "service/object_formats.h"

#include <algorithm>

#include "core/output_folder.h"
#include "gaussian_files/convert.h"
#include "mesh/physical_size.h"
#include "mesh/read_glb.h"
#ifdef GSV3D_HAS_LIBZIP
#include "service/zip_archive.h"
#endif

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr const char *splats = "object.ply", *mesh = "object.glb", *archive_name = "object.obj.zip";

Mesh placed_mesh(const fs::path& source, MeshFormat format) {
  Mesh read = read_glb_mesh(source);
  Placement placement;
  if (read.unit == LengthUnit::kMetre)
    placement.size = {SizedSide::kLongest, static_cast<double>(bounding_box(read).longest_side())};
  return placed(std::move(read), placement, format);
}

#ifdef GSV3D_HAS_LIBZIP
/// An OBJ file is three: it is handed on in an archive.
void write_obj_archive(const fs::path& path, const Mesh& mesh) {
  const OutputFolder parts(path.parent_path(), archive_name);  // goes again, without commit()
  write_obj(parts.staging() / "object.obj", mesh);
  write_zip_archive(path, parts.staging());
}
#endif

}  // namespace

const std::vector<ObjectFormat>& object_formats() {
  static const std::vector<ObjectFormat> formats = {
      {"object.spz", splats, "Gaussian splats, SPZ: small files, for the web"},
      {"object.compressed.ply", splats, "Gaussian splats, compressed PLY, for PlayCanvas and SuperSplat"},
      {"object.splat", splats, "Gaussian splats, .splat, for older viewers"},
      {"object.splats.glb", splats, "Gaussian splats in glTF (KHR_gaussian_splatting, release candidate)"},
      {"object.stl", mesh, "Mesh for 3D printing, millimetres"},
#ifdef GSV3D_HAS_LIBZIP
      {archive_name, mesh, "Textured mesh, OBJ with material and picture"},
#endif
      {"object.mesh.ply", mesh, "Mesh with colours at its vertices, PLY"}};
  return formats;
}

const ObjectFormat* find_object_format(std::string_view name) {
  const auto& formats = object_formats();
  const auto found =
      std::find_if(formats.begin(), formats.end(), [&](const ObjectFormat& format) { return name == format.name; });
  return found == formats.end() ? nullptr : &*found;
}

void write_object_format(const ObjectFormat& format, const fs::path& folder) {
  const fs::path source = folder / format.source, target = folder / format.name;
  if (format.source == std::string_view(splats)) {
    (void)convert_gaussians(source, target);
    return;
  }
#ifdef GSV3D_HAS_LIBZIP
  if (format.name == std::string_view(archive_name)) return write_obj_archive(target, placed_mesh(source, MeshFormat::kObj));
#endif
  write_mesh(target, placed_mesh(source, mesh_format(target)));
}

}  // namespace gsv3d
