#include "mesh/gaussian_mesh.h"

#include "core/cancel.h"
#include "core/error.h"
#include "mesh/atlas.h"
#include "mesh/bake.h"
#include "mesh/clean.h"
#include "mesh/marching_cubes.h"
#include "mesh/surface_views.h"
#include "mesh/tsdf.h"

namespace gsv3d {
namespace {

constexpr int64_t kBorderSamples = 5;  ///< of the grid around the object: the truncation and one more
constexpr double kFloaterShare = 0.02;
constexpr int64_t kSmoothingRounds = 3;
constexpr int64_t kMaxViewPixels = int64_t{1} << 24;  ///< of all views together; 20 bytes each

void check_options(const MeshOptions& options) {
  require(options.resolution >= 16 && options.resolution <= kMaxGridSide, "mesh: a resolution of {} is not within 16 to {}",
          options.resolution, kMaxGridSide);
  require(options.triangles >= 100 && options.triangles <= 10'000'000,
          "mesh: a budget of {} triangles is not within 100 to 10000000", options.triangles);
  require(options.texture_size >= 16 && options.texture_size <= 8192, "mesh: a texture of {} pixels is not within 16 to 8192",
          options.texture_size);
}

/// The box with room around it, so that `resolution` samples along its longest side include the border.
Box with_border(Box box, int64_t resolution) {
  const float border =
      box.longest_side() * static_cast<float>(kBorderSamples) / static_cast<float>(resolution - 1 - 2 * kBorderSamples);
  box.low = box.low - Vector3{border, border, border};
  box.high = box.high + Vector3{border, border, border};
  return box;
}

/// More cameras for finer grids, and pixels as large as the grid's samples.
SurroundPlan plan_views(const Box& box, const MeshOptions& options) {
  SurroundPlan plan;
  plan.count = std::clamp<int64_t>(options.resolution / 3, 24, 64);
  plan.pixel = box.longest_side() / static_cast<float>(options.resolution - 1);
  plan.max_size = static_cast<int64_t>(std::sqrt(static_cast<double>(kMaxViewPixels) / static_cast<double>(plan.count)));
  return plan;
}

/// Closed and within the budget: filling what a simplification tore open adds a few triangles, so it may need another one.
void simplify_closed(Mesh& mesh, const MeshOptions& options) {
  for (int64_t budget = options.triangles; budget >= 4;) {
    simplify(mesh, budget);
    close_holes(mesh);
    if (options.watertight && !mesh.triangles.empty()) remove_floaters(mesh, 1);
    const auto count = static_cast<int64_t>(mesh.triangles.size());
    if (count <= options.triangles) break;
    budget -= 2 * (count - options.triangles);
  }
  require(!mesh.triangles.empty() && static_cast<int64_t>(mesh.triangles.size()) <= options.triangles,
          "mesh: nothing solid is left of the object with {} triangles", options.triangles);
  const Topology found = topology(mesh);
  require(!options.watertight || found.closed(), "mesh: {} open and {} doubtful edges are left; try another resolution",
          found.boundary_edges, found.bad_edges);
}

}  // namespace

Mesh mesh_depth_views(const DepthViews& views, const Box& box, const MeshOptions& options) {
  check_options(options);
  ScalarGrid grid = make_grid(with_border(box, options.resolution), options.resolution);
  fuse_depth(grid, views);
  close_grid(grid);
  Mesh mesh = marching_cubes(grid);
  grid.values = {};
  require(!mesh.triangles.empty(), "mesh: no surface was found; the object is too thin or too transparent at this resolution");
  throw_if_cancelled();
  remove_floaters(mesh, kFloaterShare);
  smooth(mesh, kSmoothingRounds);
  simplify_closed(mesh, options);
  return mesh;
}

Mesh mesh_gaussians(const Gaussians& gaussians, const MeshOptions& options, const MeshProgress& on_stage) {
  check_options(options);
  require(has_mesh_libraries(),
          "this build cannot make meshes: it was made without meshoptimizer and xatlas (GSV3D_WITH_MESH_LIBRARIES)");
  const auto stage = [&](const char* name) {
    throw_if_cancelled();
    if (on_stage) on_stage(name);
  };
  stage("rendering");
  const Box box = visible_box(gaussians);
  const SurfaceViews views = render_surface(gaussians, surround_cameras(box, plan_views(box, options)));
  stage("surface");
  Mesh mesh = mesh_depth_views({views.depth, {}, views.cameras}, box, options);
  mesh.normals = vertex_normals(mesh);
  if (!options.texture) return mesh;
  stage("texture coordinates");
  unwrap(mesh, options.texture_size);
  stage("texture");
  bake_texture(mesh, views, options.texture_size);
  return mesh;
}

}  // namespace gsv3d
