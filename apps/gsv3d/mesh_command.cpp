// gsv3d mesh: Gaussians in a file of any format → a textured mesh.
#include <ATen/Parallel.h>

#include <chrono>
#include <csignal>

#include "commands.h"
#include "core/error.h"
#include "core/progress.h"
#include "gaussian_files/gaussian_file.h"
#include "mesh/gaussian_mesh.h"
#include "mesh/mesh_files.h"
#include "mesh/physical_size.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct MeshArguments {
  fs::path input, output;
  std::string size, height;
  MeshOptions options;
  int threads = 0;
  bool quiet = false;
};

/// STL files count in millimetres, the others in metres. Without a size the Gaussians' own units stay.
Mesh sized(Mesh mesh, const MeshArguments& arguments) {
  const bool millimetres = !holds_colors(arguments.output);
  if (!arguments.size.empty())
    return scaled_to(std::move(mesh), SizedSide::kLongest, parse_length(arguments.size, "--size"), millimetres);
  if (!arguments.height.empty())
    return scaled_to(std::move(mesh), SizedSide::kHeight, parse_length(arguments.height, "--height"), millimetres);
  return mesh;
}

void run_mesh(MeshArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit then fails like a full disk
  if (arguments.threads > 0) at::set_num_threads(arguments.threads);
  if (arguments.output.empty()) arguments.output = fs::path(arguments.input).replace_extension(".glb");
  check_mesh_extension(arguments.output);
  for (const auto& [text, option] : {std::pair{arguments.size, "--size"}, std::pair{arguments.height, "--height"}})
    if (!text.empty()) parse_length(text, option);  // before the work, not after it
  if (fs::weakly_canonical(arguments.output) == fs::weakly_canonical(arguments.input))
    throw UsageError(
        fmt::format("{}: the mesh would replace the Gaussians; give another name with -o", arguments.output.string()));
  arguments.options.texture = holds_colors(arguments.output);
  Progress::set_quiet(arguments.quiet);
  std::optional<Progress> bar;
  std::string shown;
  const auto on_progress = [&](const std::string& stage, int64_t done, int64_t total) {
    if (!bar || stage != shown) bar.emplace(shown = stage, total);
    bar->update(done);
  };
  const Mesh mesh = sized(mesh_gaussians(read_gaussians(arguments.input).gaussians, arguments.options, on_progress), arguments);
  bar.reset();
  write_mesh(arguments.output, mesh);
  if (arguments.quiet) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{}: {} triangles{} in {:.1f} s\n", arguments.output.string(), mesh.triangles.size(),
             mesh.textured() ? fmt::format(", texture of {0} x {0} pixels", mesh.texture.width) : "", seconds);
}

}  // namespace

void add_mesh_command(CLI::App& app) {
  auto* command = app.add_subcommand("mesh", "Make a textured mesh from Gaussians");
  auto arguments = std::make_shared<MeshArguments>();
  MeshArguments& a = *arguments;
  command
      ->add_option("object", a.input,
                   "PLY, compressed PLY, .splat, SPZ, SOG or GLB with Gaussians, such as generate's object.ply")
      ->required();
  command->add_option("-o,--output", a.output, "mesh file: .glb, .obj (with .mtl and .png), .ply or .stl (default: OBJECT.glb)");
  command->add_option("--resolution", a.options.resolution, "samples along the longest side; more: finer and slower")
      ->check(CLI::Range(16, 512))
      ->capture_default_str();
  command->add_option("--triangles", a.options.triangles, "at most so many")
      ->check(CLI::Range(100, 10'000'000))
      ->capture_default_str();
  command->add_option("--texture-size", a.options.texture_size, "pixels a side")
      ->check(CLI::Range(16, 8192))
      ->capture_default_str();
  command->add_flag("--watertight", a.options.watertight,
                    "one closed piece that does not cross itself, checked: for 3D printing");
  auto* size = command->add_option(
      "--size", a.size,
      "length of the longest side, such as 12cm (mm, cm, m, in): STL files are in millimetres, others in metres");
  command->add_option("--height", a.height, "height instead, such as 45mm")->excludes(size);
  command->add_option("--threads", a.threads, "CPU threads (default: one per core)")->check(CLI::Range(1, 1024));
  command->add_flag("-q,--quiet", a.quiet, "print errors only");
  command->footer(
      "Files hold +Y up and the front towards +Z (STL: +Z up).\n\n"
      "Examples:\n"
      "  gsv3d mesh out/photo/object.ply -o object.glb\n"
      "  gsv3d mesh object.ply -o print.stl --watertight --size 12cm");
  command->callback([arguments] { run_mesh(*arguments); });
}

}  // namespace gsv3d
