#include "evaluation/gaussian_views.h"

#include "core/error.h"
#include "core/log.h"
#include "evaluation/object_surface.h"
#include "mesh/gaussian_mesh.h"
#include "pipeline/pipeline.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

TriangleSurface surface_of(const Gaussians& gaussians, const std::string& id) {
  MeshOptions options;
  options.texture = false;
  Mesh mesh;
  try {
    mesh = mesh_gaussians(gaussians, options);
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    spdlog::warn("{}: no scores of geometry, its Gaussians have no mesh: {}", id, error.what());
    return {};
  }
  return surface_of_mesh(mesh);
}

}  // namespace

ViewSet views_of_gaussians(const Gaussians& gaussians, const Cameras& targets, const std::string& id,
                           const GaussianViewOptions& options) {
  const Gaussians shown = prune(gaussians, min_exported_opacity);
  RasterizeOptions rendering_options;
  rendering_options.antialiased = options.antialiased;
  const Tensor white = at::ones({3}, at::TensorOptions(at::kFloat).device(options.device));
  const Rendering rendering = rasterize(shown.to(options.device), targets.to(options.device), white, rendering_options);
  ViewSet views{rendering.rgb.clamp(0, 1).cpu(), rendering.alpha.cpu(), expected_depth(rendering).cpu()};
  if (options.surface) views.surface = surface_of(shown.to(at::kCPU), id);
  return views;
}

}  // namespace gsv3d
