#include "api/handles.h"
#include "mesh/gaussian_mesh.h"
#include "mesh/mesh_files.h"

using namespace gsv3d;
using namespace gsv3d::api;

static_assert(sizeof(Vector3) == 3 * sizeof(float) && sizeof(Vector2) == 2 * sizeof(float));
static_assert(sizeof(Mesh::Triangle) == 3 * sizeof(uint32_t));

void gsv3d_mesh_options_init(gsv3d_mesh_options* options, size_t size) {
  const MeshOptions defaults;
  hand_out(options, size,
           {0, defaults.resolution, defaults.triangles, defaults.texture_size, defaults.watertight, nullptr, nullptr});
}

gsv3d_status gsv3d_mesh_make(const gsv3d_gaussians* gaussians, const gsv3d_mesh_options* options, gsv3d_mesh** mesh) {
  return guarded([&] {
    given(mesh, "mesh");
    const auto wanted = over_defaults(options, gsv3d_mesh_options_init);
    MeshOptions how;
    how.resolution = wanted.resolution;
    how.triangles = wanted.triangles;
    how.texture = wanted.texture_size != 0;
    if (how.texture) how.texture_size = wanted.texture_size;
    how.watertight = wanted.watertight != 0;
    const auto on_progress = [&](const std::string& stage, int64_t done, int64_t total) {
      report_progress(wanted.progress, wanted.user, stage, done, total);
    };
    *mesh = new gsv3d_mesh{mesh_gaussians(given(gaussians, "gaussians")->values, how, on_progress)};
  });
}

void gsv3d_mesh_arrays_init(gsv3d_mesh_arrays* arrays, size_t size) {
  hand_out(arrays, size, gsv3d_mesh_arrays{});
}

gsv3d_status gsv3d_mesh_get_arrays(const gsv3d_mesh* mesh, gsv3d_mesh_arrays* arrays) {
  return guarded([&] {
    const Mesh& from = given(mesh, "mesh")->mesh;
    if (given(arrays, "arrays")->size < sizeof(size_t)) throw UsageError("arrays without a size: use GSV3D_INIT first");
    gsv3d_mesh_arrays all{};
    all.vertex_count = static_cast<int64_t>(from.positions.size());
    all.triangle_count = static_cast<int64_t>(from.triangles.size());
    all.positions = from.positions.empty() ? nullptr : &from.positions.front().x;
    all.normals = from.normals.empty() ? nullptr : &from.normals.front().x;
    all.uvs = from.uvs.empty() ? nullptr : &from.uvs.front().x;
    all.triangles = from.triangles.empty() ? nullptr : from.triangles.front().data();
    all.texture_width = from.texture.width;
    all.texture_height = from.texture.height;
    all.texture = from.texture.pixels.empty() ? nullptr : from.texture.pixels.data();
    hand_out(arrays, arrays->size, all);
  });
}

gsv3d_status gsv3d_mesh_write(const gsv3d_mesh* mesh, const char* path) {
  return guarded([&] { write_mesh(given(path, "path"), given(mesh, "mesh")->mesh); });
}

void gsv3d_mesh_free(gsv3d_mesh* mesh) {
  delete mesh;
}
