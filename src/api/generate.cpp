#include <cmath>
#include <limits>

#include "api/handles.h"
#include "core/device.h"
#include "models/defaults.h"
#include "pipeline/pipeline.h"

using namespace gsv3d;
using namespace gsv3d::api;

namespace gsv3d::api {

ModelPlace model_place(const char* folder, const gsv3d_model_options* options) {
  const auto wanted = over_defaults(options, gsv3d_model_options_init);
  const std::filesystem::path place = folder ? std::filesystem::path(folder) : default_model_folder();
  const at::Device device = parse_device(given(wanted.device, "device"));
  const std::string precision = given(wanted.precision, "precision");
  const at::ScalarType dtype = precision == "auto" ? default_dtype(read_model_config(place), device) : parse_dtype(precision);
  return {place, {device, dtype, true, wanted.offload != 0}};
}

Json sampling_of(const char* text) {
  if (!text) return {};
  Json settings = Json::parse(text, nullptr, false);
  if (!settings.is_object()) throw UsageError("sampling is no JSON object such as {\"steps\": 20}");
  return settings;
}

}  // namespace gsv3d::api

namespace {

/// The further photos of a call. Throws UsageError naming the first that is not there.
std::vector<FurtherImage> further_images(const gsv3d_generate_options& options) {
  if (options.view_count < 0) throw UsageError(fmt::format("view_count = {}: it must be at least 0", options.view_count));
  std::vector<FurtherImage> images;
  for (int64_t index = 0; index < options.view_count; ++index) {
    const auto* from = given(given(options.views, "views")[index], fmt::format("views[{}]", index).c_str());
    const auto view = over_defaults(from, gsv3d_view_init);
    const auto* photo = given(view.photo, fmt::format("views[{}].photo", index).c_str());
    images.push_back({photo->image, view.azimuth, {}, {}});
    if (!std::isnan(view.elevation)) images.back().elevation_degrees = view.elevation;
  }
  return images;
}

}  // namespace

void gsv3d_model_options_init(gsv3d_model_options* options, size_t size) {
  hand_out(options, size, {0, "auto", "auto", 0});
}

gsv3d_status gsv3d_model_load(const char* folder, const gsv3d_model_options* options, gsv3d_model** model) {
  return guarded([&] {
    given(model, "model");
    const ModelPlace place = model_place(folder, options);
    *model = new gsv3d_model{load_model(place.folder, place.options)};
  });
}

void gsv3d_model_free(gsv3d_model* model) {
  delete model;
}

void gsv3d_view_init(gsv3d_view* view, size_t size) {
  hand_out(view, size, {0, nullptr, 0, std::numeric_limits<double>::quiet_NaN()});
}

void gsv3d_generate_options_init(gsv3d_generate_options* options, size_t size) {
  const GenerateOptions defaults;
  hand_out(options, size,
           {0, defaults.seed, nullptr, std::numeric_limits<double>::quiet_NaN(), defaults.matting, defaults.refine,
            defaults.photo_surface, defaults.fit_steps, nullptr, nullptr, -1, 0, nullptr, 0});
}

gsv3d_status gsv3d_generate(const gsv3d_model* model, const gsv3d_picture* photo, const gsv3d_generate_options* options,
                            gsv3d_gaussians** gaussians) {
  return guarded([&] {
    given(model, "model"), given(photo, "photo"), given(gaussians, "gaussians");
    const auto wanted = over_defaults(options, gsv3d_generate_options_init);
    GenerateOptions how;
    how.seed = wanted.seed;
    how.sampling = sampling_of(wanted.sampling);
    if (!std::isnan(wanted.elevation)) how.elevation_degrees = wanted.elevation;
    how.matting = wanted.matting != 0;
    how.refine = wanted.refine != 0;
    how.photo_surface = wanted.photo_surface != 0;
    if (wanted.photo_palette >= 0) how.photo_palette = wanted.photo_palette != 0;
    how.fit_steps = wanted.fit_steps;
    if (wanted.confidence_seeds != 0 && (wanted.confidence_seeds < 2 || wanted.confidence_seeds > 64))
      throw UsageError(fmt::format("confidence_seeds = {}: it must be 0, or 2 to 64", wanted.confidence_seeds));
    how.spread_seeds = wanted.confidence_seeds, how.confidence = wanted.confidence_seeds > 0;
    const auto on_progress = [&](const std::string& stage, int64_t done, int64_t total) {
      report_progress(wanted.progress, wanted.user, stage, done, total);
    };
    const Result made = generate(model->model, photo->image, how, on_progress, {}, further_images(wanted));
    *gaussians = handle_of(*made.gaussians, made.confidence ? made.confidence->values : Tensor());
  });
}
