// gsv3d fit: pictures with known cameras → Gaussians.
#include <ATen/Parallel.h>

#include <chrono>
#include <csignal>

#include "commands.h"
#include "core/atomic_file.h"
#include "core/device.h"
#include "core/error.h"
#include "core/progress.h"
#include "dataset/posed_views.h"
#include "evaluation/fit_views.h"
#include "gaussian_files/gaussian_file.h"
#include "run_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct FitArguments {
  fs::path input, output = "object.ply";
  PosedViewsOptions views;
  FitViewsOptions options;
  std::string up = "z", device = "auto";
  int threads = 0;
  bool quiet = false;
};

void run_fit(FitArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit then fails like a full disk
  Progress::set_quiet(arguments.quiet);
  if (arguments.threads > 0) at::set_num_threads(arguments.threads);
  // A wrong name and a place that cannot be written to fail now and not after the work.
  format_of_name(arguments.output);
  AtomicFile{arguments.output};
  arguments.views.z_up = arguments.up == "z";
  arguments.options.device = parse_device(arguments.device);
  const PosedViews views = read_posed_views(arguments.input, arguments.views);
  std::optional<Progress> bar;
  const FittedViews fitted = fit_views(views, arguments.options, [&](const FitStep& step) {
    if (!bar) bar.emplace("fit", step.total);
    bar->update(step.done, fmt::format("loss {:.4f}, {} Gaussians", step.loss, step.gaussians));
  });
  bar.reset();
  write_gaussians(arguments.output, fitted.gaussians);
  if (arguments.quiet) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{}: {} Gaussians in {:.1f} s; {:.2f} dB on the {} fitted views", arguments.output.string(),
             fitted.gaussians.count(), seconds, fitted.fitted_psnr, fitted.fitted_count);
  if (fitted.held_out_count > 0) fmt::print(", {:.2f} dB on {} held out", fitted.held_out_psnr, fitted.held_out_count);
  fmt::print("\n");
}

}  // namespace

void add_fit_command(CLI::App& app) {
  auto* command = app.add_subcommand("fit", "Fit Gaussians to pictures with known cameras");
  auto arguments = std::make_shared<FitArguments>();
  FitArguments& a = *arguments;
  FitViewsOptions& o = a.options;
  command
      ->add_option("views", a.input,
                   "folder with transforms.json (NeRF, Blender, nerfstudio), or shards of \"gsv3d data render\"")
      ->required();
  command->add_option("-o,--output", a.output, "file of Gaussians: .ply, .compressed.ply, .splat, .spz, .glb")
      ->capture_default_str();
  command->add_option("--object", a.views.object, "which object of the shards (default: the first)");
  command->add_option("--up", a.up, "axis of transforms.json that points up")
      ->check(CLI::IsMember({"y", "z"}))
      ->capture_default_str();
  command->add_option("--size", a.views.max_size, "shrinks pictures to at most so many pixels; 0: as they are")
      ->check(CLI::Range(0, 8192));
  command->add_option("--steps", o.fit.steps, "optimisation steps")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  command->add_option("--views-per-step", o.fit.views_per_step)->check(CLI::Range(1, 1024))->capture_default_str();
  command->add_option("--max-gaussians", o.fit.max_gaussians, "at most so many")
      ->check(CLI::Range(100, 10'000'000))
      ->capture_default_str();
  command->add_option("--sh", o.sh_degree, "degree of the spherical harmonics: colours that change with the view")
      ->check(CLI::Range(0, 3))
      ->capture_default_str();
  command->add_option("--hold-out", o.hold_out, "every so many-th view is not fitted but scored; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--seed", o.fit.seed, "same seed, same result")->check(whole_number())->capture_default_str();
  command->add_option("--device", a.device, "auto | cpu | cuda | cuda:N")->capture_default_str();
  command->add_option("--threads", a.threads, "CPU threads (default: one per core)")->check(CLI::Range(1, 1024));
  command->add_flag("-q,--quiet", a.quiet, "print errors only");
  command->footer(
      "Transparent pixels are empty space; opaque pictures need a plain white background.\n\n"
      "Examples:\n"
      "  gsv3d fit nerf_synthetic/lego/transforms_train.json -o lego.ply --size 400\n"
      "  gsv3d fit data/val64 --object scopia/0012-chair -o chair.spz --hold-out 8");
  command->callback([arguments] { run_fit(*arguments); });
}

}  // namespace gsv3d
