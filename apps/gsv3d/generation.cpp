#include "generation.h"

#include <ATen/Parallel.h>

#include <chrono>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "image/contact_sheet.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// Writes each estimate of the views to one picture, beside the results. It goes when they are there.
class PreviewFile {
 public:
  PreviewFile(bool wanted, fs::path path) : wanted_(wanted), path_(std::move(path)) {}
  PreviewCallback callback() const {
    if (!wanted_) return {};
    return [path = path_](const Tensor& views, int64_t, int64_t) {
      SheetRow row;
      for (const Tensor& view : views.unbind()) row.pictures.push_back(to_image(view));
      SheetOptions options;
      options.cell_size = 128;
      save_png(path, contact_sheet({row}, options));
    };
  }
  void remove() const {
    std::error_code ignored;
    if (wanted_) fs::remove(path_, ignored);
  }

 private:
  bool wanted_;
  fs::path path_;
};

void print_result(const fs::path& folder, const Result& result, double seconds, uint64_t seed) {
  const std::string what = result.gaussians
                               ? fmt::format("{} Gaussians ({})", result.gaussians->count(), route_name(result.route))
                               : fmt::format("{} views", result.views.size(0));
  fmt::print("{}: {} in {:.1f} s, seed {}\n", folder.string(), what, seconds, seed);
  if (result.disagreement)
    fmt::print("  disagreement of views and object {:.3f} (0: none; the higher, the less to be trusted)\n",
               result.disagreement->value);
  if (result.spread) fmt::print("  spread of the seeds' views {:.3f}\n", result.spread->value);
  if (result.confidence)
    fmt::print("  confidence of the Gaussians {:.2f} over {} seeds (1: all make the same)\n", result.confidence->value,
               result.confidence->seeds);
  for (const std::string& file : result_file_names()) {
    if (fs::exists(folder / file)) fmt::print("  {}\n", (folder / file).string());
  }
  std::fflush(stdout);
}

}  // namespace

void GenerationArguments::add_to(CLI::App& command, const std::string& what) {
  command.add_option("-o,--output", output, "folder for the results, one folder per " + what + " in it")->capture_default_str();
  command.add_option("--seed", options.seed, "same seed, same result")->check(whole_number())->capture_default_str();
  command.add_flag("--skip-existing", skip_existing, "leave out every " + what + " whose folder of results is there already");
  command.add_flag("--json", json, "print what was made, skipped and failed as JSON, instead of lines for people");
  sampling.add_to(command);
  command.add_flag(
      "--offload", offload,
      "the UNet's weights stay in main memory and are copied to the device block by block: for GPUs of 8 GB, slower");
  auto* spread = command
                     .add_option("--spread", options.spread_seeds,
                                 "sample the views with so many seeds in all, and say in result.json, views.png and here how far "
                                 "they differ")
                     ->check(CLI::Range(2, 64));
  command
      .add_option_function<int64_t>(
          "--confidence-seeds", [this](int64_t seeds) { options.spread_seeds = seeds, options.confidence = true; },
          "also make an object of each of so many seeds, and say how far they agree: result.json, here, and object.ply's "
          "property "
          "\"confidence\" of each Gaussian, 0 to 1")
      ->check(CLI::Range(2, 64))
      ->excludes(spread);
  command.add_flag("--views-only", options.views_only, "only the generated views, no 3D");
  command.add_option("--fit-steps", options.fit_steps, "steps of the fit that models without a Gaussian decoder need")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.add_flag_function(
      "--photo-palette,!--no-photo-palette", [this](int64_t given) { options.photo_palette = given > 0; },
      "give the sides that no photo shows the photos' colours, or leave the views' own (default: as the model asks)");
  command.add_flag("--no-photo-surface", no_photo_surface, "do not lay the photo's own pixels on the side that it shows");
  command.add_flag("--no-refinement", no_refinement, "the Gaussians as the decoder gives them, not fitted to photo and views");
  command.add_flag("--no-mesh", no_mesh, "no textured mesh (object.glb)");
  placement.add_to(command);
  command.add_flag("--no-viewer", no_viewer, "no page for the browser (viewer.html)");
  auto* unmatted =
      command.add_flag("--no-matting", no_matting, "the " + what + " shows the object framed on a white background already");
  command
      .add_option("--matting-model", options.matting_options.network,
                  "ONNX network for the background removal instead of GrabCut")
      ->check(CLI::ExistingFile)
      ->excludes(unmatted);
  run.add_to(command);
}

void GenerationArguments::prepare() {
  run.apply();
  check_placement(placement.placement(), MeshFormat::kGlb);  // before the work, not after it
  options.matting = !no_matting;
  options.refine = !no_refinement;
  options.photo_surface = !no_photo_surface;
}

Model GenerationArguments::load() {
  ModelConfig config = read_model_config(run.model_folder());
  sampling.apply_to(config);
  sampling.apply_to(options, config);
  Model model = load_model(run.model_folder(), {run.chosen_device(), run.chosen_dtype(), true, offload});
  model.config.frames = config.frames, model.config.image_size = config.image_size;
  return model;
}

std::vector<std::string> result_file_names() {
  std::vector<std::string> names = output_file_names();
  names.insert(names.end(), {"picture.png", "candidates.png"});
  return names;
}

Json generate_object(const GenerationInput& input, const Model& model, const GenerationArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const std::string& name = input.name;
  OutputFolder folder(arguments.output, name);
  GenerateOptions options = arguments.options;
  if (arguments.sampling.resume) options.resume_file = arguments.output / (name + "-sampling.safetensors");
  const PreviewFile preview(arguments.sampling.preview, arguments.output / (name + "-preview.png"));
  std::optional<Progress> bar;
  std::string shown;
  const auto on_progress = [&](const std::string& stage, int64_t done, int64_t total) {
    if (total <= 1) return;  // only the sampler, a fit and the mesher report steps
    if (!bar || stage != shown) bar.emplace(fmt::format("{}: {}", name, shown = stage), total);
    bar->update(done);
  };
  Result result = generate(model, input.photo, options, on_progress, preview.callback(), input.further);
  bar.reset();
  const RunRecord record{input.file_name, GSV3D_VERSION, arguments.options.seed, at::get_num_threads(), input.text};
  OutputOptions outputs;
  outputs.mesh = !arguments.no_mesh;
  outputs.viewer = !arguments.no_viewer;
  outputs.placement = arguments.placement.placement();
  outputs.on_mesh_progress = [&](const std::string& stage, int64_t done, int64_t total) {
    on_progress("mesh, " + stage, done, total);
  };
  write_outputs(folder, result, model, record, outputs);
  for (const auto& [file, picture] : input.beside) save_png(folder.staging() / file, picture);
  bar.reset();
  folder.commit(result_file_names());
  preview.remove();
  std::error_code ignored;
  if (!options.resume_file.empty()) fs::remove(options.resume_file, ignored);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!arguments.run.quiet && !arguments.json) print_result(folder.path(), result, seconds, arguments.options.seed);
  Json details = {{"folder", folder.path().string()}, {"seconds", seconds}};
  if (result.gaussians) details["gaussians"] = result.gaussians->count();
  return details;
}

void generate_all(const std::vector<BatchPhoto>& inputs, const GenerationArguments& arguments,
                  const std::function<Json(const BatchPhoto&)>& make) {
  BatchReport report(inputs.size());
  try {
    for (const BatchPhoto& input : inputs)
      report.attempt(input, [&] {
        if (arguments.skip_existing && report.skip_existing(input, arguments.output)) return;
        report.made(input, make(input));
      });
  } catch (const Cancelled&) {
    report.print(arguments.json, arguments.run.quiet);
    throw;
  }
  report.print(arguments.json, arguments.run.quiet);
  if (report.any_failed()) throw CLI::RuntimeError(1);
}

}  // namespace gsv3d
