#include "evaluation/posed_pictures.h"

#include <c10/core/GradMode.h>

#include "core/error.h"
#include "decoder/visual_hull.h"
#include "evaluation/fit_views.h"
#include "evaluation/gaussian_views.h"
#include "evaluation/model_methods.h"
#include "evaluation/object_surface.h"
#include "mesh/marching_cubes.h"

namespace gsv3d {
namespace {

constexpr double slack = 0.04;     // world units by which a point may lie behind what a picture sees and still be taken for it
constexpr double preference = 12;  // a picture counts exp(preference · cosine) for a ray
constexpr double fallback = 1e-6;  // of pictures that do not see the point, for points that none sees
constexpr double darkness = 0.04;  // below white: the object

VisualHullConfig fine_hull() {
  VisualHullConfig config;
  config.grid = 96, config.samples = 128;
  return config;
}

/// Where points [3, P] lie in the pictures, -1 to 1 between their edges → [C, 1, P, 2].
Tensor in_pictures(const Cameras& cameras, const Tensor& points) {
  const SeenPoints seen = seen_points(cameras, points.t());
  return at::stack(
             {seen.x * (2.0 / static_cast<double>(cameras.width)) - 1, seen.y * (2.0 / static_cast<double>(cameras.height)) - 1},
             -1)
      .unsqueeze(1);
}

/// Colours [3, P] of points [3, P] on the hull, looked at along directions [3, P]. `distance` [N, 1, H, W]: how far the hull is
/// in the pictures.
Tensor colors_of(const PosedPictures& pictures, const Tensor& distance, const Tensor& points, const Tensor& directions) {
  const Tensor grid = in_pictures(pictures.cameras, points);
  const auto sample = [&grid](const Tensor& images) {  // [N, C, h, w] → [N, C, P]
    return at::grid_sampler_2d(images, grid, /*bilinear=*/0, /*border=*/1, /*align_corners=*/false).squeeze(2);
  };
  const Tensor own = pictures.rgb - (1 - pictures.alpha);  // multiplied by alpha
  const Tensor colors = sample(own), alpha = sample(pictures.alpha), hull = sample(distance).squeeze(1);
  const Tensor towards = points - pictures.cameras.positions().unsqueeze(-1);  // [N, 3, P]
  const Tensor away = at::linalg_vector_norm(towards, 2, {1});
  const Tensor cosine = (towards * directions).sum(1) / away;
  const Tensor weight = (away.lt(hull + slack).to(at::kFloat) + fallback) * (preference * (cosine - 1)).exp();
  const Tensor total = (weight.unsqueeze(1) * alpha).sum(0);
  return ((weight.unsqueeze(1) * colors).sum(0) / total.clamp_min(1e-20)).clamp(0, 1);
}

TriangleSurface hull_surface(const VisualHullConfig& config, const PosedPictures& pictures) {
  const Tensor occupancy = hull_occupancy(config, pictures.alpha.transpose(0, 1), pictures.cameras)[0];
  const Tensor field = (config.threshold - occupancy).permute({2, 1, 0}).contiguous();  // z runs fastest
  ScalarGrid grid;
  grid.size = {config.grid, config.grid, config.grid};
  const auto corner = static_cast<float>(-config.half_side);
  grid.origin = {corner, corner, corner};
  grid.spacing = static_cast<float>(2 * config.half_side / static_cast<double>(config.grid - 1));
  grid.values.assign(field.const_data_ptr<float>(), field.const_data_ptr<float>() + field.numel());
  close_grid(grid);
  const Mesh mesh = marching_cubes(grid);
  return mesh.triangles.empty() ? TriangleSurface() : surface_of_mesh(mesh);
}

}  // namespace

PosedPictures true_orbit(const EvaluationCase& object) {
  const ViewSet views = true_views(object.truth, 0, object.truth.orbit_views);
  return {views.rgb, views.alpha, object.truth.cameras.slice(0, object.truth.orbit_views)};
}

PictureSource generated_pictures(std::shared_ptr<const Model> model, const GenerateOptions& options) {
  return [model, options](const EvaluationCase& object) {
    const c10::NoGradGuard no_grad;
    require(object.input_rgb.size(3) == model->config.image_size, "{}: views of {} pixels, but the model works on {}",
            object.truth.id, object.input_rgb.size(3), model->config.image_size);
    GenerateOptions own = options;
    own.seed = object.seed;
    own.elevation_degrees = object.elevation_degrees();
    own.views_only = true;
    const Result result = generate(*model, prepared_input(object), own);
    const Tensor rgb = result.views.cpu();
    const Tensor alpha = result.alphas.defined() ? result.alphas.cpu() : rgb.amin(1, true).lt(1 - darkness).to(at::kFloat);
    return PosedPictures{rgb, alpha, result.cameras.to(at::kCPU)};
  };
}

ViewSet visual_hull_views(const PosedPictures& pictures, const Cameras& targets, bool surface) {
  const c10::NoGradGuard no_grad;
  const VisualHullConfig config = fine_hull();
  const int64_t sources = pictures.cameras.count(), height = targets.height, width = targets.width;
  require(sources >= 2, "a visual hull takes at least two pictures, not {}", sources);
  // Targets take part with silhouettes that carve nothing, so that they see the hull as the pictures do.
  const Tensor open = at::ones({targets.count(), 1, pictures.alpha.size(2), pictures.alpha.size(3)});
  const Cameras all = concatenate({pictures.cameras, targets.resized(pictures.cameras.width, pictures.cameras.height)});
  const HullSurface hull = visual_hull(config, at::cat({pictures.alpha, open}).transpose(0, 1), all, height, width);
  const Tensor source_distance = hull.distance[0].slice(0, 0, sources).unsqueeze(1);
  const Tensor distance = hull.distance[0].slice(0, sources), alpha = hull.hit[0].slice(0, sources).unsqueeze(1);
  const Rays rays = camera_rays(targets, height, width);
  std::vector<Tensor> rgb, depth;
  for (int64_t view = 0; view < targets.count(); ++view) {
    const Tensor directions = rays.directions[view].reshape({3, -1});
    const Tensor points = rays.origins[view].view({3, 1}) + directions * distance[view].reshape({1, -1});
    rgb.push_back(colors_of(pictures, source_distance, points, directions).view({3, height, width}));
    depth.push_back(seen_points(targets.slice(view, view + 1), points.t()).z.view({1, height, width}));
  }
  ViewSet views{at::stack(rgb) * alpha + 1 - alpha, alpha, at::stack(depth)};
  if (surface) views.surface = hull_surface(config, pictures);
  return views;
}

Method visual_hull_method(PictureSource source, std::string name, std::string description) {
  const auto predict = [source = std::move(source)](const EvaluationCase& object, const Cameras& targets) {
    return visual_hull_views(source(object), targets, object.surface.defined());
  };
  return {std::move(name), std::move(description), predict};
}

Method fitted_views_method(PictureSource source, std::string name, std::string description, int64_t steps) {
  const auto predict = [source = std::move(source), steps](const EvaluationCase& object, const Cameras& targets) {
    const PosedPictures pictures = source(object);
    const Tensor own = (pictures.rgb - (1 - pictures.alpha)) / pictures.alpha.clamp_min(1e-3);
    PosedViews posed;
    posed.id = object.truth.id;
    posed.rgba = (at::cat({own, pictures.alpha}, 1).clamp(0, 1) * 255).round().to(at::kByte);
    posed.cameras = pictures.cameras;
    FitViewsOptions options;
    options.fit.steps = steps, options.fit.seed = object.seed;
    GaussianViewOptions shown;
    shown.surface = object.surface.defined();
    return views_of_gaussians(fit_views(posed, options).gaussians, targets, object.truth.id, shown);
  };
  return {std::move(name), std::move(description), predict};
}

}  // namespace gsv3d
