#include "mesh/gaussian_mesh.h"

#include "core/cancel.h"
#include "core/error.h"
#include "mesh/atlas.h"
#include "mesh/clean.h"
#include "mesh/crossings.h"
#include "mesh/field_filters.h"
#include "mesh/marching_cubes.h"
#include "mesh/simplify.h"
#include "mesh/surface_views.h"
#include "mesh/tsdf.h"

namespace gsv3d {
namespace {

constexpr int64_t kTruncation = 4;                   ///< samples over which depths are blended
constexpr int64_t kBorderSamples = kTruncation + 1;  ///< of the grid around the object
constexpr double kFloaterShare = 0.02;
constexpr int64_t kSmoothingRounds = 3;
/// Of the distances fused from Gaussians, whose fuzz makes every view's depth a little different: docs/mesh.md has the measured
/// effect. Exact depths need none.
constexpr int64_t kGaussianBlurRounds = 2;
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

/// What a printer's program asks for.
void check_solid(const Mesh& mesh, const MeshOptions& options) {
  const Topology found = topology(mesh);
  require(found.manifold() && static_cast<int64_t>(mesh.triangles.size()) <= options.triangles,
          "mesh: the object cannot be made of {} triangles without tearing it; allow more", options.triangles);
  if (!options.watertight) return;
  const size_t crossings = crossing_pairs(mesh).size();
  require(found.components == 1 && crossings == 0,
          "mesh: {} pieces and {} pairs of crossing triangles are left; try another resolution", found.components, crossings);
}

/// See mesh_depth_views; the fused distances are blurred before the surface is extracted.
Mesh mesh_views(const DepthViews& views, const Box& box, const MeshOptions& options, int64_t blur_rounds) {
  check_options(options);
  ScalarGrid grid = make_grid(with_border(box, options.resolution), options.resolution);
  fuse_depth(grid, views, {.truncation = static_cast<double>(kTruncation) * grid.spacing});
  blur(grid, blur_rounds);
  close_grid(grid);
  Mesh mesh = marching_cubes(grid);
  grid.values = {};
  require(!mesh.triangles.empty(), "mesh: no surface was found; the object is too thin or too transparent at this resolution");
  throw_if_cancelled();
  remove_floaters(mesh, options.watertight ? 1 : kFloaterShare);
  smooth(mesh, kSmoothingRounds);
  simplify(mesh, options.triangles);
  check_solid(mesh, options);
  return mesh;
}

/// Where the object's box is one unit long and around the origin. The rasterizer's near plane and every small number of the
/// mesher are made for such objects; the mesh goes back to where the Gaussians are.
struct UnitFrame {
  explicit UnitFrame(const Box& box) : center(box.center()), length(box.longest_side()) {}
  Tensor offset() const { return at::tensor({center.x, center.y, center.z}, at::kFloat); }

  Gaussians enter(Gaussians gaussians) const {
    gaussians.means = (gaussians.means - offset()) / length;
    gaussians.scales = gaussians.scales / length;
    return gaussians;
  }
  /// The camera sees in the unit world what it saw in the other one, at depths divided by the length.
  PosedPhoto enter(PosedPhoto photo) const {
    Tensor& pose = photo.camera.world_to_camera;
    pose = pose.to(at::kCPU).clone();
    const Tensor rotation = pose.slice(1, 0, 3).slice(2, 0, 3);
    Tensor translation = pose.slice(1, 0, 3).slice(2, 3, 4);
    translation.copy_((translation + at::matmul(rotation, offset().view({3, 1}))) / length);
    return photo;
  }
  Mesh leave(Mesh mesh) const {
    for (Vector3& p : mesh.positions) p = p * length + center;
    return mesh;
  }

  Vector3 center;
  float length;
};

}  // namespace

Mesh mesh_depth_views(const DepthViews& views, const Box& box, const MeshOptions& options) {
  return mesh_views(views, box, options, 0);
}

Mesh mesh_gaussians(const Gaussians& gaussians, const MeshOptions& options, const MeshProgress& on_stage,
                    std::vector<PosedPhoto> photos) {
  check_options(options);
  require(has_mesh_libraries(),
          "this build cannot make meshes: it was made without meshoptimizer and xatlas (GSV3D_WITH_MESH_LIBRARIES)");
  const auto stage = [&](const char* name) {
    throw_if_cancelled();
    if (on_stage) on_stage(name, 0, 100);
  };
  stage("rendering");
  const Box world_box = visible_box(gaussians);
  require(world_box.longest_side() > 1e-20F, "mesh: the Gaussians have no extent, so there is no surface");
  const UnitFrame frame(world_box);
  const Gaussians unit = frame.enter(gaussians.to(at::kCPU));
  const Box box = visible_box(unit);
  const SurfaceViews views = render_surface(unit, surround_cameras(box, plan_views(box, options)));
  stage("surface");
  Mesh mesh = mesh_views({views.depth, {}, views.cameras}, box, options, kGaussianBlurRounds);
  mesh.normals = vertex_normals(mesh);
  if (!options.texture) return frame.leave(std::move(mesh));
  stage("texture coordinates");
  unwrap(mesh, options.texture_size, [&](int64_t percent) {
    if (on_stage) on_stage("texture coordinates", percent, 100);
  });
  stage("texture");
  const auto on_texture = [&](int64_t percent) {
    if (on_stage) on_stage("texture", percent, 100);
  };
  for (PosedPhoto& photo : photos) photo = frame.enter(std::move(photo));
  bake_texture(mesh, views, options.texture_size, on_texture, photos);
  return frame.leave(std::move(mesh));
}

}  // namespace gsv3d
