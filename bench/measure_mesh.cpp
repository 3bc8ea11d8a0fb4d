// How close meshes come to the true surface: from true depth (what fusion and extraction cost) and from the Gaussians that a
// model's decoder makes of the true views' latents, of one photo (--photo), or that are fitted to pictures (--fit). Prints the
// table of docs/mesh.md.
//   measure_mesh OBJECTS --split-file configs/objects/split.csv --split val --model models/tiny [--out FOLDER]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>

#include "core/cancel.h"
#include "core/error.h"
#include "dataset/object_source.h"
#include "dataset/renderer.h"
#include "evaluation/fit_views.h"
#include "evaluation/geometry.h"
#include "evaluation/model_methods.h"
#include "image/contact_sheet.h"
#include "mesh/gaussian_mesh.h"
#include "mesh/surface_views.h"
#include "mesh/tsdf.h"
#include "pipeline/pipeline.h"
#include "rasterizer/orbit_render.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr double kOrbitElevation = 10;
constexpr int64_t kSamples = 30000, kOrbitViews = 21, kPictureSize = 256;

struct Arguments {
  fs::path objects, model, output;
  ObjectSelection selection;
  MeshOptions options;
  int64_t views = 64, view_size = 256;
  bool fit = false, photo = false;
  int64_t fit_steps = 2000;
};

/// Every view around the object in which fusion and the choice of visible points see it.
Cameras all_around(int64_t count, int64_t size) {
  const Box cube = {{-0.5F, -0.5F, -0.5F}, {0.5F, 0.5F, 0.5F}};
  SurroundPlan plan;
  plan.count = count;
  plan.pixel = 1e-6;
  plan.max_size = size;
  plan.min_elevation_degrees = -85, plan.max_elevation_degrees = 85;
  return surround_cameras(cube, plan);
}

Tensor triangle_samples(const std::vector<std::array<float, 3>>& positions, const std::vector<std::array<uint32_t, 3>>& triangles,
                        int64_t count) {
  const Tensor vertices = at::empty({static_cast<int64_t>(positions.size()), 3}, at::kFloat);
  std::copy_n(positions.data()->data(), vertices.numel(), vertices.data_ptr<float>());
  const Tensor indices = at::empty({static_cast<int64_t>(triangles.size()), 3}, at::kLong);
  std::copy_n(triangles.data()->data(), indices.numel(), indices.data_ptr<int64_t>());
  return sample_triangles(vertices, indices, count, make_generator(7));
}

Tensor mesh_samples(const Mesh& mesh) {
  std::vector<std::array<float, 3>> positions;
  for (const Vector3& p : mesh.positions) positions.push_back({p.x, p.y, p.z});
  return triangle_samples(positions, mesh.triangles, kSamples);
}

/// Points of the true surface that some camera sees: what lies inside a closed cupboard cannot be known from views.
Tensor visible_samples(const Object& object, const Cameras& cameras) {
  const Tensor points = triangle_samples(object.positions, object.triangles, 2 * kSamples).contiguous();
  const RayTracer tracer(object);
  const Tensor eyes = cameras.positions().contiguous();
  std::vector<int64_t> seen;
  for (int64_t i = 0; i < points.size(0) && static_cast<int64_t>(seen.size()) < kSamples; ++i) {
    const float* p = points.data_ptr<float>() + 3 * i;
    for (int64_t c = 0; c < eyes.size(0); ++c) {
      const float* e = eyes.data_ptr<float>() + 3 * c;
      const Ray ray{{e[0], e[1], e[2]}, {p[0] - e[0], p[1] - e[1], p[2] - e[2]}, 0, 0.9995F};
      if (tracer.is_blocked(ray)) continue;
      seen.push_back(i);
      break;
    }
  }
  require(!seen.empty(), "no point of the object is visible");
  return points.index_select(0, at::tensor(seen));
}

/// The mesh as the data renderer knows objects, to look at its texture without any light.
Object as_object(const Mesh& mesh) {
  Object object;
  for (size_t i = 0; i < mesh.positions.size(); ++i) {
    const Vector3 p = mesh.positions[i], n = mesh.normals[i];
    object.positions.push_back({p.x, p.y, p.z});
    object.normals.push_back({n.x, n.y, n.z});
    object.uvs.push_back({mesh.uvs[i].x, 1 - mesh.uvs[i].y});
  }
  object.triangles = mesh.triangles;
  object.triangle_materials.assign(mesh.triangles.size(), 0);
  object.materials = {{{1, 1, 1}, 1, 0}};
  object.textures = {mesh.texture};
  return object;
}

Lighting even_light() {
  Lighting light;
  light.ambient[0] = {3.5449077F, 3.5449077F, 3.5449077F};  // 1 / Y00
  return light;
}

/// The mesh in the studio light (shape) or in even light (texture).
std::vector<Image> pictures(const Object& object, const Cameras& cameras, const Lighting& lighting) {
  RenderOptions options;
  options.lighting = lighting;
  std::vector<Image> images;
  for (const Tensor& view : ObjectRenderer(object).render(cameras, options).rgba.unbind()) images.push_back(to_image(view));
  return images;
}

void save_sheet(const fs::path& path, const Object& object, const Gaussians& gaussians, const Mesh& truth, const Mesh& mesh) {
  const Cameras cameras = orbit_cameras(5, 20, kPictureSize);
  std::vector<Image> splats;
  for (const Tensor& view : render_views(gaussians, cameras, {}).rgb.unbind()) splats.push_back(to_image(view));
  const auto grey = [](Mesh plain) {
    plain.normals = vertex_normals(plain);
    plain.uvs.assign(plain.positions.size(), {});
    plain.texture = blank_image(1, 1, 200, 200, 200);
    return as_object(plain);
  };
  save_png(path, contact_sheet({{"object", pictures(object, cameras, studio_lighting()), {}},
                                {"mesh from true depth", pictures(grey(truth), cameras, studio_lighting()), {}},
                                {"gaussians", splats, {}},
                                {"mesh from gaussians: texture", pictures(as_object(mesh), cameras, even_light()), {}},
                                {"mesh from gaussians: shape", pictures(grey(weld(mesh)), cameras, studio_lighting()), {}}}));
}

struct Row {
  SurfaceScores from_depth, from_gaussians;
  double seconds = 0;
};

/// Of the true views' latents, or, `from_photo`, of the whole pipeline on the first view.
Gaussians model_gaussians(const Model& model, const ObjectRenderer& renderer, bool from_photo) {
  ViewPlan plan;
  plan.size = model.config.image_size;
  plan.orbit_views = kOrbitViews;
  plan.random_views = 0;
  plan.orbit_elevation_degrees = kOrbitElevation;
  const EvaluationCase shown = make_case(render_views(renderer, plan, {}, make_generator(1)), 1);
  if (!from_photo) return prune(gaussians_of_true_latents(model, shown), min_exported_opacity);
  GenerateOptions options;
  options.elevation_degrees = kOrbitElevation;
  return *generate(model, prepared_input(shown), options).gaussians;
}

/// The same pictures that true depth is taken from, as a user of "gsv3d fit" has them.
Gaussians fitted_gaussians(const Arguments& arguments, const ObjectRenderer& renderer, const Cameras& cameras,
                           const std::string& id) {
  FitViewsOptions options;
  options.fit.steps = arguments.fit_steps;
  return fit_views({id, renderer.render(cameras, {}).rgba, cameras}, options).gaussians;
}

Row measure(const Arguments& arguments, const Model& model, const ObjectEntry& entry) {
  const Object object = entry.load();
  const ObjectRenderer renderer(object);
  const Cameras cameras = all_around(arguments.views, arguments.view_size);
  const Tensor truth = visible_samples(object, cameras);
  Box box;
  for (const auto& p : object.positions) box.add({p[0], p[1], p[2]});
  const std::vector<double> taus = {0.01 * box.longest_side(), 0.02 * box.longest_side()};

  RenderOptions sharp;
  sharp.samples = 1;
  Row row;
  const Mesh depth_mesh = mesh_depth_views({renderer.render(cameras, sharp).depth, {}, cameras}, box, arguments.options);
  row.from_depth = score_surface(mesh_samples(depth_mesh), truth, taus);

  const Gaussians gaussians = arguments.fit ? fitted_gaussians(arguments, renderer, cameras, entry.id)
                                            : model_gaussians(model, renderer, arguments.photo);
  const auto start = std::chrono::steady_clock::now();
  const Mesh mesh = mesh_gaussians(gaussians, arguments.options);
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  row.from_gaussians = score_surface(mesh_samples(mesh), truth, taus);
  if (!arguments.output.empty()) {
    fs::create_directories(arguments.output);
    std::string name = entry.id;
    std::replace(name.begin(), name.end(), '/', '_');
    save_sheet(arguments.output / (name + ".png"), object, gaussians, depth_mesh, mesh);
  }
  return row;
}

void print_row(const std::string& name, const std::vector<double>& v) {
  fmt::print("| {} | {:.4f} | {:.3f} | {:.3f} | {:.4f} | {:.4f} | {:.4f} | {:.3f} | {:.3f} | {:.1f} |\n", name, v[0], v[1], v[2],
             v[3], v[4], v[5], v[6], v[7], v[8]);
  std::fflush(stdout);
}

std::vector<double> numbers(const Row& row) {
  const auto &a = row.from_depth, &b = row.from_gaussians;
  return {a.distance.chamfer_mean(), a.f_scores[0].f,     a.f_scores[1].f,
          b.distance.chamfer_mean(), b.distance.accuracy, b.distance.completeness,
          b.f_scores[0].f,           b.f_scores[1].f,     row.seconds};
}

void run(const Arguments& arguments) {
  const Model model = load_model(arguments.model, {at::kCPU, at::kFloat, true});
  const std::vector<ObjectEntry> entries = list_objects(arguments.objects, arguments.selection);
  fmt::print(
      "| object | Chamfer, true depth | F 1 % | F 2 % | Chamfer, Gaussians | accuracy | completeness | F 1 % | F 2 % | s |\n"
      "|---|---|---|---|---|---|---|---|---|---|\n");
  std::vector<double> sum(9, 0);
  double count = 0;
  for (const ObjectEntry& entry : entries) {
    throw_if_cancelled();
    try {
      const std::vector<double> row = numbers(measure(arguments, model, entry));
      print_row(entry.id, row);
      for (size_t i = 0; i < row.size(); ++i) sum[i] += row[i];
      ++count;
    } catch (const Error& error) {
      fmt::print(stderr, "{}: {}\n", entry.id, error.what());
    }
  }
  require(count > 0, "no object could be measured");
  for (double& value : sum) value /= count;
  print_row(fmt::format("mean of {:.0f}", count), sum);
}

}  // namespace
}  // namespace gsv3d

int main(int argc, char** argv) {
  using namespace gsv3d;
  CLI::App app("Chamfer distance and F-score of meshes against true surfaces", "measure_mesh");
  Arguments a;
  app.add_option("objects", a.objects, "folder of object files or furniture libraries, or a pack")->required();
  app.add_option("--split-file", a.selection.split_file);
  app.add_option("--split", a.selection.split);
  app.add_option("--limit", a.selection.limit);
  app.add_option("--model", a.model)->required();
  app.add_option("--resolution", a.options.resolution);
  app.add_option("--triangles", a.options.triangles);
  app.add_flag("--fit", a.fit, "Gaussians fitted to 64 pictures of 256 pixels instead of the model's");
  app.add_flag("--photo", a.photo, "the model's Gaussians of one picture instead of those of the true views' latents");
  app.add_option("--fit-steps", a.fit_steps);
  app.add_option("--out", a.output, "folder for one picture per object");
  CLI11_PARSE(app, argc, argv);
  try {
    run(a);
  } catch (const std::exception& error) {
    fmt::print(stderr, "measure_mesh: {}\n", error.what());
    return 1;
  }
  return 0;
}
