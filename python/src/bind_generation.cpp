#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "bindings.h"
#include "interrupts.h"
#include "loaded_model.h"
#include "mesh_options.h"
#include "pipeline/pipeline.h"
#include "tensor_caster.h"

namespace nb = nanobind;

namespace gsv3d::python {
namespace {

/// A further photo: the picture, its azimuth in degrees, and its elevation or None.
using FurtherArray = std::tuple<PictureArray, double, std::optional<double>>;

/// Python owns what it points to.
LoadedModel* load(const std::optional<std::filesystem::path>& folder, const std::string& device, const std::string& precision,
                  bool offload) {
  const std::filesystem::path place = model_place(folder);
  return new LoadedModel{load_model(place, load_options(place, device, precision, offload)), {}};
}

Result generate_result(const LoadedModel& model, const PictureArray& photo, const GenerateOptions& options,
                       const std::vector<FurtherArray>& further, const ProgressFunction& progress) {
  const Image image = image_of(photo);
  std::vector<FurtherImage> others;
  for (const auto& [picture, azimuth, elevation] : further) others.push_back({image_of(picture), azimuth, elevation, {}});
  return long_call([&] {
    const std::lock_guard lock(model.busy);
    return generate(model.model, image, options, progress_callback(progress), {}, others);
  });
}

Mesh result_mesh(const Result& result, int64_t resolution, int64_t triangles, int64_t texture_size, bool watertight,
                 const ProgressFunction& progress) {
  if (!result.gaussians) throw UsageError("a result of views only has no mesh");
  return long_call([&] {
    return mesh_gaussians(*result.gaussians, mesh_options(resolution, triangles, texture_size, watertight),
                          progress_callback(progress), result.has_photo_surface ? photos_of(result) : std::vector<PosedPhoto>());
  });
}

nb::object gaussian_tensors(const Result& result) {
  if (!result.gaussians) return nb::none();
  const Gaussians& g = *result.gaussians;
  return nb::cast(
      std::tuple{g.means, g.quats, g.scales, g.opacities, g.sh, result.confidence ? result.confidence->values : Tensor()});
}

void bind_models(nb::module_& module) {
  nb::class_<LoadedModel>(module, "Model", "A loaded model folder; load_model() makes it. Threads take turns in using one.")
      .def_prop_ro(
          "folder", [](const LoadedModel& m) { return m.model.folder; }, "Where it was read from.")
      .def_prop_ro(
          "name", [](const LoadedModel& m) { return m.model.config.name; }, "The name in its config.json.")
      .def_prop_ro(
          "image_size", [](const LoadedModel& m) { return m.model.config.image_size; }, "Pixels a side of a generated view.")
      .def_prop_ro(
          "views", [](const LoadedModel& m) { return m.model.config.frames; }, "Number of generated views, the photo's included.")
      .def_prop_ro(
          "device", [](const LoadedModel& m) { return m.model.device.str(); }, "Where it runs: cpu, cuda:0 ...")
      .def("__repr__", [](const LoadedModel& m) {
        return fmt::format("Model('{}', {} views of {} pixels, {})", m.model.folder.string(), m.model.config.frames,
                           m.model.config.image_size, m.model.device.str());
      });
  module.def("load_model", &load, nb::arg("folder").none(), nb::arg("device"), nb::arg("precision"), nb::arg("offload"),
             nb::call_guard<nb::gil_scoped_release>(), "A model folder's networks.");
}

void bind_results(nb::module_& module) {
  nb::class_<Result>(module, "Result", "All that generate() made.")
      .def_prop_ro("gaussians", &gaussian_tensors)
      .def_ro("views", &Result::views)
      .def_ro("alphas", &Result::alphas)
      .def_prop_ro("cameras",
                   [](const Result& r) {
                     return std::tuple{r.cameras.world_to_camera, r.cameras.intrinsics, r.cameras.width, r.cameras.height};
                   })
      .def_ro("elevation", &Result::elevation_degrees)
      .def_prop_ro("route", [](const Result& r) { return r.gaussians ? std::string(route_name(r.route)) : "views only"; })
      .def_prop_ro("warnings", [](const Result& r) { return r.photo.warnings; })
      .def_prop_ro("disagreement",
                   [](const Result& r) { return r.disagreement ? std::optional(r.disagreement->value) : std::nullopt; })
      .def_prop_ro("confidence", [](const Result& r) { return r.confidence ? std::optional(r.confidence->value) : std::nullopt; })
      .def_prop_ro("seconds",
                   [](const Result& r) {
                     std::vector<std::pair<std::string, double>> seconds;
                     for (const StageTime& time : r.times) seconds.emplace_back(time.stage, time.seconds);
                     return seconds;
                   })
      .def("make_mesh", &result_mesh, nb::arg("resolution"), nb::arg("triangles"), nb::arg("texture_size"), nb::arg("watertight"),
           nb::arg("progress").none());
}

}  // namespace

void bind_generation(nb::module_& module) {
  bind_models(module);
  bind_results(module);
  module.def(
      "generate",
      [](const LoadedModel& model, const PictureArray& photo, uint64_t seed, const std::string& sampling,
         std::optional<double> elevation, bool matting, bool refine, bool photo_surface, std::optional<bool> photo_palette,
         bool views_only, int64_t fit_steps, int64_t confidence_seeds, const std::vector<FurtherArray>& further,
         const ProgressFunction& progress) {
        GenerateOptions options;
        options.seed = seed;
        options.sampling = sampling_json(sampling);
        options.elevation_degrees = elevation;
        options.matting = matting, options.refine = refine, options.photo_surface = photo_surface;
        options.photo_palette = photo_palette;
        options.views_only = views_only;
        options.fit_steps = fit_steps;
        options.spread_seeds = confidence_seeds, options.confidence = confidence_seeds > 0;
        return generate_result(model, photo, options, further, progress);
      },
      nb::arg("model"), nb::arg("photo"), nb::arg("seed"), nb::arg("sampling"), nb::arg("elevation").none(), nb::arg("matting"),
      nb::arg("refine"), nb::arg("photo_surface"), nb::arg("photo_palette").none(), nb::arg("views_only"), nb::arg("fit_steps"),
      nb::arg("confidence_seeds"), nb::arg("further"), nb::arg("progress").none(),
      "The way of a photo, uint8 [H, W, 4]; sampling: JSON of settings, or empty.");
}

}  // namespace gsv3d::python
