// gsv3d generate: photos in, one folder of results for each.
#include <ATen/Parallel.h>

#include <chrono>

#include "commands.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/standard_error.h"
#include "error_line.h"
#include "exports/outputs.h"
#include "further_photo_options.h"
#include "image/contact_sheet.h"
#include "mesh_options.h"
#include "photo_batch.h"
#include "run_options.h"
#include "sampling_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct GenerateArguments {
  std::vector<fs::path> images;
  fs::path output = "out";
  GenerateOptions options;
  RunOptions run;
  SamplingOptions sampling;
  MeshPlacementOptions placement;
  FurtherPhotoOptions views;
  bool skip_existing = false, json = false;
  bool offload = false, no_matting = false, no_mesh = false, no_viewer = false, no_refinement = false, no_photo_surface = false;
};

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
  for (const std::string& file : output_file_names()) {
    if (fs::exists(folder / file)) fmt::print("  {}\n", (folder / file).string());
  }
  std::fflush(stdout);
}

/// → The entry of --json for it.
Json generate_one(const BatchPhoto& input, const Model& model, const GenerateArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const auto& [path, name, nothing] = input;
  const Image photo = load_image(path);
  OutputFolder folder(arguments.output, name);
  GenerateOptions options = arguments.options;
  if (arguments.sampling.resume) options.resume_file = arguments.output / (name + "-sampling.safetensors");
  const PreviewFile preview(arguments.sampling.preview, arguments.output / (name + "-preview.png"));
  std::optional<Progress> bar;
  std::string shown;
  const auto on_progress = [&, &name = name](const std::string& stage, int64_t done, int64_t total) {
    if (total <= 1) return;  // only the sampler, a fit and the mesher report steps
    if (!bar || stage != shown) bar.emplace(fmt::format("{}: {}", name, shown = stage), total);
    bar->update(done);
  };
  std::vector<FurtherImage> further;
  for (const FurtherPhotoOption& view : arguments.views.photos())
    further.push_back({load_image(view.file), view.azimuth_degrees, view.elevation_degrees, view.file.filename().string()});
  Result result = generate(model, photo, options, on_progress, preview.callback(), further);
  bar.reset();
  const RunRecord record{path.filename().string(), GSV3D_VERSION, arguments.options.seed, at::get_num_threads()};
  OutputOptions outputs;
  outputs.mesh = !arguments.no_mesh;
  outputs.viewer = !arguments.no_viewer;
  outputs.placement = arguments.placement.placement();
  outputs.on_mesh_progress = [&](const std::string& stage, int64_t done, int64_t total) {
    on_progress("mesh, " + stage, done, total);
  };
  write_outputs(folder, result, model, record, outputs);
  bar.reset();
  folder.commit(output_file_names());
  preview.remove();
  std::error_code ignored;
  if (!options.resume_file.empty()) fs::remove(options.resume_file, ignored);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!arguments.run.quiet && !arguments.json) print_result(folder.path(), result, seconds, arguments.options.seed);
  Json details = {{"folder", folder.path().string()}, {"seconds", seconds}};
  if (result.gaussians) details["gaussians"] = result.gaussians->count();
  return details;
}

/// One photo, whatever happens to it. What is wrong with the call itself, and Ctrl-C, end the whole.
void attempt(const BatchPhoto& photo, const Model& model, const GenerateArguments& arguments, BatchReport& report) {
  try {
    require(photo.error.empty(), "{}", photo.error);
    const fs::path finished = arguments.output / photo.name / "result.json";
    if (arguments.skip_existing && fs::exists(finished)) return report.skipped(photo, finished.string() + " is there");
    report.made(photo, generate_one(photo, model, arguments));
  } catch (const Cancelled&) {
    throw;
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& error) {
    // Messages about the photo's own file already begin with its path.
    const std::string line = error_line(error), path = one_line(photo.path.string());
    const bool named = line.find(path) != std::string::npos;
    print_error(fmt::format("gsv3d: {}{}\n", named ? "" : path + ": ", line));
    report.failed(photo, line);
  }
}

void print_report(const BatchReport& report, const GenerateArguments& arguments) {
  if (arguments.json)
    fmt::print("{}\n", json_text(report.json(), 2));
  else if (!arguments.run.quiet)
    fmt::print("{}", report.summary());
  std::fflush(stdout);
}

void run_generate(GenerateArguments& arguments) {
  arguments.run.apply();
  (void)arguments.views.photos();  // what is wrong with them is said before the model is loaded
  check_placement(arguments.placement.placement(), MeshFormat::kGlb);  // before the work, not after it
  arguments.options.matting = !arguments.no_matting;
  arguments.options.refine = !arguments.no_refinement;
  arguments.options.photo_surface = !arguments.no_photo_surface;

  ModelConfig config = read_model_config(arguments.run.model_folder());
  arguments.sampling.apply_to(config);
  arguments.sampling.apply_to(arguments.options, config);
  Model model = load_model(arguments.run.model_folder(),
                           {arguments.run.chosen_device(), arguments.run.chosen_dtype(), true, arguments.offload});
  model.config.frames = config.frames, model.config.image_size = config.image_size;
  const std::vector<BatchPhoto> photos = photos_of(arguments.images);
  if (photos.size() > 1 && !arguments.views.given.empty())
    throw UsageError("--view shows one object from another side, so it goes with one photo");
  BatchReport report(photos.size());
  try {
    for (const BatchPhoto& photo : photos) attempt(photo, model, arguments, report);
  } catch (const Cancelled&) {
    print_report(report, arguments);
    throw;
  }
  print_report(report, arguments);
  if (report.any_failed()) throw CLI::RuntimeError(1);
}

}  // namespace

void add_generate_command(CLI::App& app) {
  auto* command = app.add_subcommand("generate", "Make a 3D object (Gaussian splats) from each photo");
  auto arguments = std::make_shared<GenerateArguments>();
  GenerateArguments& a = *arguments;
  command
      ->add_option("images", a.images,
                   "photos: JPEG, PNG, WebP, HEIC, ..., or folders of them; transparency is used when there is some")
      ->required();
  command->add_option("-o,--output", a.output, "folder for the results, one folder per photo in it")->capture_default_str();
  command->add_option("--seed", a.options.seed, "same seed, same result")->check(whole_number())->capture_default_str();
  command->add_flag("--skip-existing", a.skip_existing, "leave out photos whose folder of results is there already");
  command->add_flag("--json", a.json, "print what was made, skipped and failed as JSON, instead of lines for people");
  a.views.add_to(*command);
  a.sampling.add_to(*command);
  command->add_flag(
      "--offload", a.offload,
      "the UNet's weights stay in main memory and are copied to the device block by block: for GPUs of 8 GB, slower");
  command
      ->add_option("--spread", a.options.spread_seeds,
                   "sample the views with so many seeds in all, and say in result.json, views.png and here how far they differ")
      ->check(CLI::Range(2, 64));
  command->add_flag("--views-only", a.options.views_only, "only the generated views, no 3D");
  command->add_option("--fit-steps", a.options.fit_steps, "steps of the fit that models without a Gaussian decoder need")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_flag_function(
      "--photo-palette,!--no-photo-palette", [&a](int64_t given) { a.options.photo_palette = given > 0; },
      "give the sides that no photo shows the photos' colours, or leave the views' own (default: as the model asks)");
  command->add_flag("--no-photo-surface", a.no_photo_surface, "do not lay the photo's own pixels on the side that it shows");
  command->add_flag("--no-refinement", a.no_refinement, "the Gaussians as the decoder gives them, not fitted to photo and views");
  command->add_flag("--no-mesh", a.no_mesh, "no textured mesh (object.glb)");
  a.placement.add_to(*command);
  command->add_flag("--no-viewer", a.no_viewer, "no page for the browser (viewer.html)");
  auto* no_matting =
      command->add_flag("--no-matting", a.no_matting, "the photo shows the object framed on a white background already");
  command
      ->add_option("--matting-model", a.options.matting_options.network,
                   "ONNX network for the background removal instead of GrabCut")
      ->check(CLI::ExistingFile)
      ->excludes(no_matting);
  a.run.add_to(*command);
  command->footer(
      "Results in OUTPUT/NAME/: object.ply (3D Gaussians), object.glb (textured mesh), viewer.html (both in your browser), "
      "orbit.mp4, views.png, result.json.\n\n"
      "Examples:\n"
      "  gsv3d generate photo.jpg\n"
      "  gsv3d generate cutout.png -o results --seed 7 --steps 20\n"
      "  gsv3d generate front.jpg --view 90:side.jpg --view 180:back.jpg\n"
      "  gsv3d generate photos/ -o results --skip-existing\n"
      "  gsv3d generate *.jpg --views-only --quiet");
  command->callback([arguments] { run_generate(*arguments); });
}

}  // namespace gsv3d
