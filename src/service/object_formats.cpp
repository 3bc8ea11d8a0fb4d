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

constexpr const char *splats = "object.ply", *mesh = "object.glb";

Mesh placed_mesh(const fs::path& source, MeshFormat format) {
  Mesh read = read_glb_mesh(source);
  Placement placement;
  if (read.unit == LengthUnit::kMetre)
    placement.size = {SizedSide::kLongest, static_cast<double>(bounding_box(read).longest_side())};
  return placed(std::move(read), placement, format);
}

void write_splats(const fs::path& source, const fs::path& target) {
  (void)convert_gaussians(source, target);
}

void write_mesh_file(const fs::path& source, const fs::path& target) {
  write_mesh(target, placed_mesh(source, mesh_format(target)));
}

#ifdef GSV3D_HAS_LIBZIP
/// An OBJ file is three: it is handed on in an archive.
void write_obj_archive(const fs::path& source, const fs::path& target) {
  const OutputFolder parts(target.parent_path(), target.filename().string());  // goes again, without commit()
  write_obj(parts.staging() / "object.obj", placed_mesh(source, MeshFormat::kObj));
  write_zip_archive(target, parts.staging());
}
#endif

}  // namespace

const std::vector<ObjectFormat>& object_formats() {
  static const std::vector<ObjectFormat> formats = {
      {"object.spz", splats, "Gaussian splats, SPZ: small files, for the web", write_splats},
      {"object.compressed.ply", splats, "Gaussian splats, compressed PLY, for PlayCanvas and SuperSplat", write_splats},
      {"object.splat", splats, "Gaussian splats, .splat, for older viewers", write_splats},
      {"object.splats.glb", splats, "Gaussian splats in glTF (KHR_gaussian_splatting, release candidate)", write_splats},
      {"object.stl", mesh, "Mesh for 3D printing, millimetres", write_mesh_file},
#ifdef GSV3D_HAS_LIBZIP
      {"object.obj.zip", mesh, "Textured mesh, OBJ with material and picture", write_obj_archive},
#endif
      {"object.mesh.ply", mesh, "Mesh with colours at its vertices, PLY", write_mesh_file}};
  return formats;
}

const ObjectFormat* find_object_format(std::string_view name) {
  const auto& formats = object_formats();
  const auto found =
      std::find_if(formats.begin(), formats.end(), [&](const ObjectFormat& format) { return name == format.name; });
  return found == formats.end() ? nullptr : &*found;
}

void write_object_format(const ObjectFormat& format, const fs::path& folder) {
  format.write(folder / format.source, folder / format.name);
}

}  // namespace gsv3d
