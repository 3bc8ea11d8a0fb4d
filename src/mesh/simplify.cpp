#include "core/error.h"
#include "mesh/clean.h"
#ifdef GSV3D_WITH_MESH_LIBRARIES
#include <meshoptimizer.h>
#endif

namespace gsv3d {

#ifdef GSV3D_WITH_MESH_LIBRARIES

bool has_mesh_libraries() {
  return true;
}

void simplify(Mesh& mesh, int64_t max_triangles) {
  require(max_triangles >= 4, "mesh: a budget of {} triangles cannot hold a solid; the least is 4", max_triangles);
  if (static_cast<int64_t>(mesh.triangles.size()) <= max_triangles) return;
  constexpr float kAnyError = 1;  // relative to the extent: the budget decides alone
  std::vector<Mesh::Triangle> result(mesh.triangles.size());
  const size_t indices =
      meshopt_simplify(result.data()->data(), mesh.triangles.data()->data(), 3 * mesh.triangles.size(), &mesh.positions.data()->x,
                       mesh.positions.size(), sizeof(Vector3), 3 * static_cast<size_t>(max_triangles), kAnyError, 0, nullptr);
  result.resize(indices / 3);
  mesh.triangles = std::move(result);
  drop_unused_vertices(mesh);
}

#else

bool has_mesh_libraries() {
  return false;
}

void simplify(Mesh& mesh, int64_t max_triangles) {
  require(static_cast<int64_t>(mesh.triangles.size()) <= max_triangles,
          "this build cannot simplify meshes: it was made without meshoptimizer and xatlas (GSV3D_WITH_MESH_LIBRARIES)");
}

#endif

}  // namespace gsv3d
