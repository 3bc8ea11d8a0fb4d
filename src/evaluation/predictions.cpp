#include "evaluation/predictions.h"

#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "dataset/renderer.h"
#include "evaluation/gaussian_views.h"
#include "evaluation/object_surface.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussians/similarity.h"
#include "objects/object_reader.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr int64_t aligned_points = 3000;
constexpr const char* endings[] = {".ply", ".compressed.ply", ".splat", ".spz", ".sog", ".glb", ".gltf", ".obj"};

/// A PLY with faces is a mesh; a glTF without the extension of Gaussians too.
bool is_mesh(const fs::path& path) {
  const std::string ending = lower_case(path.extension().string());
  if (ending == ".obj") return true;
  if (ending != ".ply" && ending != ".glb" && ending != ".gltf") return false;
  constexpr size_t longest_header = size_t{1} << 20;  // PLY's header and glTF's JSON come first
  std::string start(longest_header, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
  if (ending == ".ply") return start.substr(0, start.find("end_header")).find("element face") != std::string::npos;
  return start.find("KHR_gaussian_splatting") == std::string::npos;
}

/// The longest side of the box around points [N, 3], their outermost hundredth at either end left out when they are many.
double extent(const Tensor& points) {
  const int64_t spare = points.size(0) / 100;
  const Tensor sorted = std::get<0>(points.to(at::kDouble).sort(0));
  return (sorted[points.size(0) - 1 - spare] - sorted[spare]).max().item<double>();
}

void check_extent(double side, const std::string& name) {
  require(side >= 0.1 && side <= 10, "{}: its longest side is {:.3g}, objects here have about 1: another scale?", name, side);
}

void check_seen(const ViewSet& views, const std::string& name) {
  require(at::isfinite(views.rgb).all().item<bool>(), "{}: its views have values that are not finite", name);
  require(views.alpha.gt(0.5).any().item<bool>(), "{}: nothing of it is seen in any view", name);
}

/// Of points or a surface onto the case's true one.
Similarity similarity_to_truth(const Tensor& points, const EvaluationCase& object, Alignment alignment) {
  if (alignment == Alignment::none) return {};
  require(object.surface.defined(), "alignment takes the object's true surface (--objects)");
  const SurfacePoints truth = sample_surface(object.surface, aligned_points, make_generator(1));
  return alignment_to(points, truth.points, alignment);
}

Tensor visible_means(const Gaussians& gaussians) {
  const Tensor visible = gaussians.means.index({gaussians.opacities.gt(0.5)});
  const Tensor& all = visible.size(0) > 0 ? visible : gaussians.means;
  return all.slice(0, 0, all.size(0), (all.size(0) + aligned_points - 1) / aligned_points);
}

void move_object(Object& object, const Similarity& similarity) {
  const auto move = [](auto& vectors, const Similarity& by) {
    Tensor rows = at::from_blob(vectors.data(), {static_cast<int64_t>(vectors.size()), 3}, at::kFloat);
    rows.copy_(moved_points(rows, by));
  };
  move(object.positions, similarity);
  move(object.normals, {.rotation = similarity.rotation});
}

ViewSet gaussian_prediction(const fs::path& path, const EvaluationCase& object, const Cameras& targets, Alignment alignment) {
  ReadOptions strict;
  strict.strict = true;
  GaussianFile file = read_gaussians(path, strict);
  require(file.gaussians.count() > 0, "{}: holds no Gaussians", path.filename().string());
  if (alignment != Alignment::none)
    file.gaussians = transform(file.gaussians, similarity_to_truth(visible_means(file.gaussians), object, alignment));
  check_extent(extent(file.gaussians.means), path.filename().string());
  GaussianViewOptions options;
  options.antialiased = file.antialiased;
  options.surface = object.surface.defined();
  return views_of_gaussians(file.gaussians, targets, object.truth.id, options);
}

ViewSet mesh_prediction(const fs::path& path, const EvaluationCase& object, const Cameras& targets, Alignment alignment) {
  const std::string name = path.filename().string();
  Object mesh = read_object(*open_folder(path.parent_path()), name);
  require(!mesh.triangles.empty(), "{}: holds no triangles", name);
  TriangleSurface surface = surface_of_object(mesh);
  require(at::isfinite(surface.vertices).all().item<bool>(), "{}: has a coordinate that is not finite", name);
  if (alignment != Alignment::none) {
    const SurfacePoints own = sample_surface(surface, aligned_points, make_generator(2));
    move_object(mesh, similarity_to_truth(own.points, object, alignment));
    surface = surface_of_object(mesh);
  }
  check_extent(extent(surface.vertices), name);
  const TracedViews traced = ObjectRenderer(mesh).render(targets, {});
  ObjectViews stored;
  stored.rgba = traced.rgba;
  stored.depth = traced.depth;
  ViewSet views = true_views(stored, 0, targets.count());
  if (object.surface.defined()) views.surface = surface;
  return views;
}

}  // namespace

fs::path find_prediction(const fs::path& folder, const std::string& id) {
  std::string flat = id;
  std::replace_if(
      flat.begin(), flat.end(), [](char c) { return c == '/' || c == '\\'; }, '_');
  std::vector<fs::path> found;
  for (const std::string& stem : flat == id ? std::vector{id} : std::vector{id, flat})
    for (const char* ending : endings)
      if (const fs::path path = folder / (stem + ending); fs::is_regular_file(path)) found.push_back(path);
  require(!found.empty(), "no prediction: {} has no {}.ply, .splat, .spz, .sog, .glb, .gltf or .obj", folder.string(), flat);
  require(found.size() == 1, "two predictions: {} and {}", found.front().filename().string(), found.back().filename().string());
  return found.front();
}

fs::path prediction_file(const fs::path& folder, const std::string& id) {
  try {
    return find_prediction(folder, id);
  } catch (const Error&) {
    return {};
  }
}

Method predictions_method(const fs::path& folder, Alignment alignment, std::string name) {
  require(fs::is_directory(folder), "{}: no folder of predictions", folder.string());
  const auto predict = [folder, alignment](const EvaluationCase& object, const Cameras& targets) {
    const fs::path path = find_prediction(folder, object.truth.id);
    ViewSet views =
        is_mesh(path) ? mesh_prediction(path, object, targets, alignment) : gaussian_prediction(path, object, targets, alignment);
    check_seen(views, path.filename().string());
    return views;
  };
  return {std::move(name),
          "one file per object of " + folder.string() +
              (alignment == Alignment::none ? ", neither aligned nor rescaled" : ", aligned to the truth"),
          predict};
}

}  // namespace gsv3d
