// gsv3d render: pictures and films of a file of Gaussians.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <csignal>

#include "commands.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "exports/render_object.h"
#include "gaussian_files/gaussian_file.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct RenderArguments {
  fs::path object, output;
  RenderObjectOptions options;
  std::string background = "white", input_up;
  double radius = 0, frames_per_second = 0;
  int threads = 0;
  bool antialiased = false, quiet = false;
};

/// "white", "black", "transparent" or "#RRGGBB".
std::optional<std::array<float, 3>> parse_background(const std::string& text) {
  if (text == "transparent") return std::nullopt;
  if (text == "white") return std::array<float, 3>{1, 1, 1};
  if (text == "black") return std::array<float, 3>{0, 0, 0};
  const bool hexadecimal =
      text.size() == 7 && text[0] == '#' && text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string::npos;
  if (!hexadecimal) throw UsageError(fmt::format("\"{}\" is no background: white, black, transparent or #RRGGBB", text));
  const unsigned long value = std::stoul(text.substr(1), nullptr, 16);
  return std::array<float, 3>{static_cast<float>(value >> 16) / 255, static_cast<float>(value >> 8 & 255) / 255,
                              static_cast<float>(value & 255) / 255};
}

std::optional<Frame> frame_of(const std::string& up) {
  if (up.empty()) return std::nullopt;
  return up == "y" ? Frame::kWorld : up == "z" ? Frame::kZUp : Frame::kYDown;
}

void run_render(const CLI::App& command, RenderArguments& arguments) {
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond a file size limit then fails like a full disk
  if (arguments.threads > 0) at::set_num_threads(arguments.threads);
  init_logging(arguments.quiet);
  Progress::set_quiet(arguments.quiet);
  RenderObjectOptions& options = arguments.options;
  options.background = parse_background(arguments.background);
  if (command.count("--radius")) options.radius = arguments.radius;
  if (command.count("--fps")) options.frames_per_second = arguments.frames_per_second;
  const GaussianFile object = read_gaussians(arguments.object, {frame_of(arguments.input_up)});
  options.antialiased = object.antialiased || arguments.antialiased;
  std::vector<fs::path> files;
  {
    std::optional<Progress> bar;
    files = render_object(object.gaussians, arguments.output, options, [&](int64_t done, int64_t frames) {
      if (frames <= 1) return;
      if (!bar) bar.emplace("rendering", frames);
      bar->update(done);
    });
  }
  if (arguments.quiet) return;
  for (const fs::path& file : files) fmt::print("{}\n", file.string());
}

}  // namespace

void add_render_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("render", "Pictures and films of a file of Gaussians");
  auto arguments = std::make_shared<RenderArguments>();
  RenderArguments& a = *arguments;
  RenderObjectOptions& o = a.options;
  command->add_option("object", a.object, "PLY, compressed PLY, .splat, SPZ, SOG or GLB with Gaussians")->required();
  command->add_option("-o,--output", a.output, ".mp4, .gif, .webp, .png (several frames: one sheet), or a folder of pictures")
      ->required();
  command->add_option("--frames", o.frames, "how many (default: 1 for .png, 21 for a folder, 36 for .gif and .webp, 72 for .mp4)")
      ->check(CLI::Range(1, 100000));
  command->add_option("--size", o.size, "pixels a side")->check(CLI::Range(16, 8192))->capture_default_str();
  command->add_option("--azimuth", o.azimuth_degrees, "degrees around the object; 0 looks at its front")->capture_default_str();
  command->add_option("--elevation", o.elevation_degrees, "degrees above the object")
      ->check(CLI::Range(-89.9, 89.9))
      ->capture_default_str();
  command->add_option("--orbit", o.orbit_degrees, "degrees that the camera goes around")->capture_default_str();
  command->add_option("--fov", o.fov_y_degrees, "field of view, degrees")->check(CLI::Range(1.0, 150.0))->capture_default_str();
  command
      ->add_option("--radius", a.radius,
                   "the camera's distance from the origin (default: the object is centred and fills the picture)")
      ->check(CLI::PositiveNumber);
  command->add_option("--background", a.background, "white, black, transparent or #RRGGBB")->capture_default_str();
  command->add_option("--supersampling", o.supersampling, "renders so many times larger and averages")
      ->check(CLI::Range(1, 8))
      ->capture_default_str();
  command->add_option("--fps", a.frames_per_second, "frames per second (default: 24 for .mp4, 12 for .gif and .webp)")
      ->check(CLI::Range(0.1, 100.0));
  command->add_flag("--depth", o.depth, "also write NAME_depth: near is light, far is dark");
  command->add_flag("--normals", o.normals, "also write NAME_normals: x right, y up, z towards the camera as red, green, blue");
  command->add_flag("--antialiased", a.antialiased, "Mip-Splatting's filter, also when the file does not ask for it");
  command->add_option("--input-up", a.input_up, "the file's axis that points up, when it is not the format's usual one")
      ->check(CLI::IsMember({"y", "-y", "z"}));
  command->add_option("--threads", a.threads, "CPU threads (default: OMP_NUM_THREADS, else one per core)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--quiet", a.quiet, "print errors only");
  command->footer(
      "Examples:\n"
      "  gsv3d render object.ply -o turn.mp4\n"
      "  gsv3d render object.spz -o view.png --azimuth 30 --elevation 20 --background transparent\n"
      "  gsv3d render scene.splat -o sheet.png --frames 9 --depth --normals");
  command->callback([command, arguments] { run_render(*command, *arguments); });
}

}  // namespace gsv3d
