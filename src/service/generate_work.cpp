#include "service/generate_work.h"

#include <ATen/Parallel.h>

#include "core/atomic_file.h"
#include "exports/outputs.h"
#include "pipeline/pipeline.h"
#include "pipeline/text_pictures.h"
#include "service/generation_options.h"
#include "service/uploaded_photo.h"

namespace gsv3d {
namespace {

/// The directions of further photos, as routes/generations.cpp keeps them beside the options.
std::vector<FurtherImage> further_photos(const Job& job, const JobFiles& files, const Json& views) {
  std::vector<FurtherImage> further;
  for (size_t i = 0; i < views.size(); ++i) {
    const Json& view = views[i];
    FurtherImage image{load_image(files.photo(job.id, i + 1)), view.at("azimuth_degrees").get<double>(), {}, {}};
    if (!view.at("elevation_degrees").is_null()) image.elevation_degrees = view["elevation_degrees"].get<double>();
    image.name = fmt::format("view {}", i + 1);
    further.push_back(std::move(image));
  }
  return further;
}

/// What takes the photo's place, and what result.json says of it.
struct Source {
  Image photo;
  Json text = nullptr;
};

/// A picture of the words, kept as the job's photo.
Source pictured(const std::string& words, const TextModel& model, const GenerateOptions& generate, const JobFiles& files,
                const Job& job, JobReport& report) {
  TextOptions options;
  options.seed = generate.seed, options.matting = generate.matting, options.matting_options = generate.matting_options;
  const TextPictures made =
      make_pictures(model, words, options, {}, [&](int64_t done, int64_t total) { report.progress("picture", done, total); });
  files.write_photos(job.id, {encode_png(made.taken())});
  write_file(files.thumbnail(job.id), encode_png(small_copy(made.taken(), thumbnail_pixels)));
  return {made.taken(), text_pictures_json(made, words, options, model)};
}

void run(const Model& shared, ServedModels& models, const JobFiles& files, const Job& job, JobReport& report) {
  Json given = job.options;
  const Json views = given.value("views", Json::array());
  const Json words = given.value("text", Json(nullptr));
  given.erase("views"), given.erase("text");
  const ResolvedGeneration options = resolved(parse_generation_options(given, shared.config.sampler), shared.config);
  // Other views than the model's, which few ask for, are another configuration: then a copy of the model is loaded for the job.
  std::optional<Model> other;
  if (options.frames != shared.config.frames || options.image_size != shared.config.image_size) {
    other.emplace(load_model(shared.folder, {shared.device, shared.dtype, true, false}));
    other->config.name = shared.config.name;
    other->config.frames = options.frames, other->config.image_size = options.image_size;
  }
  const Model& model = other ? *other : shared;
  const auto on_progress = [&](const std::string& stage, int64_t done, int64_t total) { report.progress(stage, done, total); };
  const auto on_preview = [&](const Tensor& pictures, int64_t done, int64_t total) {
    const Tensor strip = at::cat(pictures.unbind(), /*dim=*/2);
    report.preview(to_image(strip), pictures.size(0), done, total);
  };
  const Source source = words.is_string() ? pictured(words.get<std::string>(), *models.acquire_text(shared.config.name),
                                                     options.generate, files, job, report)
                                          : Source{load_image(files.photo(job.id, 0))};
  OutputFolder folder(files.results_folder(), job.id);
  Result result = generate(model, source.photo, options.generate, on_progress, on_preview, further_photos(job, files, views));
  OutputOptions outputs = options.outputs;
  outputs.on_mesh_progress = [&](const std::string& stage, int64_t done, int64_t total) {
    report.progress("mesh, " + stage, done, total);
  };
  report.progress("files", 0, 1);
  const std::string name = job.photo_name.empty() ? "photo" : job.photo_name;
  write_outputs(folder, result, model, {name, GSV3D_VERSION, options.generate.seed, at::get_num_threads(), source.text}, outputs);
  folder.commit(output_file_names());
}

}  // namespace

JobWork generate_work(ServedModels& models, const JobFiles& files, int threads) {
  return [&models, &files, threads](const Job& job, JobReport& report) {
    at::set_num_threads(threads);  // counts for the thread that says it
    const std::shared_ptr<const Model> model = models.acquire(models.of_options(job.options).config.name);
    run(*model, models, files, job, report);
  };
}

}  // namespace gsv3d
