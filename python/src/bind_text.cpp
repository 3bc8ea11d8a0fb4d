#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "arrays.h"
#include "bindings.h"
#include "interrupts.h"
#include "loaded_model.h"
#include "pipeline/text_pictures.h"

namespace nb = nanobind;

namespace gsv3d::python {
namespace {

/// The networks that make pictures from text, and who uses them: one call at a time.
struct LoadedTextModel {
  TextModel model;
  mutable std::mutex busy;
};

/// Python owns what it points to.
LoadedTextModel* load(const std::optional<std::filesystem::path>& folder, const std::string& device, const std::string& precision,
                      bool offload) {
  const std::filesystem::path place = model_place(folder);
  return new LoadedTextModel{load_text_model(place, load_options(place, device, precision, offload)), {}};
}

OwnPictureArray text_picture(const LoadedTextModel& model, const std::string& words, const TextOptions& options,
                             const LoadedModel* judge, const ProgressFunction& progress) {
  return array_of(long_call([&] {
    std::unique_lock<std::mutex> judging;
    if (judge) judging = std::unique_lock(judge->busy);
    const std::lock_guard lock(model.busy);
    const PictureEmbedder embed = judge ? picture_embedder(judge->model, model.model) : PictureEmbedder();
    const auto report = progress_callback(progress);
    return make_pictures(model.model, words, options, embed, [&](int64_t done, int64_t total) { report("picture", done, total); })
        .taken();
  }));
}

}  // namespace

void bind_text(nb::module_& module) {
  nb::class_<LoadedTextModel>(module, "TextModel",
                              "The networks of a model folder that make pictures from text; load_text_model() makes it.")
      .def_prop_ro(
          "folder", [](const LoadedTextModel& m) { return m.model.folder; }, "Where it was read from.")
      .def_prop_ro(
          "image_size", [](const LoadedTextModel& m) { return m.model.config.image_size; }, "Pixels a side of its pictures.")
      .def("__repr__", [](const LoadedTextModel& m) {
        return fmt::format("TextModel('{}', pictures of {} pixels, {})", m.model.folder.string(), m.model.config.image_size,
                           m.model.device.str());
      });
  module.def("load_text_model", &load, nb::arg("folder").none(), nb::arg("device"), nb::arg("precision"), nb::arg("offload"),
             nb::call_guard<nb::gil_scoped_release>(), "A model folder's networks that make pictures from text.");
  module.def(
      "text_picture",
      [](const LoadedTextModel& model, const std::string& words, uint64_t seed, int64_t candidates,
         std::optional<std::string> negative, const std::string& sampling, bool use_template, bool matting,
         const std::optional<PictureArray>& sketch, double strength, const LoadedModel* judge, const ProgressFunction& progress) {
        TextOptions options;
        options.seed = seed, options.candidates = candidates, options.negative = std::move(negative);
        options.sampling = sampling_json(sampling);
        options.use_template = use_template, options.matting = matting, options.strength = strength;
        if (sketch) options.sketch = image_of(*sketch);
        return text_picture(model, words, options, judge, progress);
      },
      nb::arg("model"), nb::arg("words"), nb::arg("seed"), nb::arg("candidates"), nb::arg("negative").none(), nb::arg("sampling"),
      nb::arg("use_template"), nb::arg("matting"), nb::arg("sketch").none(), nb::arg("strength"), nb::arg("judge").none(),
      nb::arg("progress").none(), "The picture that takes a photo's place, uint8 [H, W, 4].");
}

}  // namespace gsv3d::python
