// gsv3d mesh: Gaussians in a file of any format → a textured mesh.
#include <ATen/Parallel.h>

#include <chrono>
#include <csignal>

#include "commands.h"
#include "core/error.h"
#include "core/progress.h"
#include "gaussian_files/gaussian_file.h"
#include "mesh/convex_hull.h"
#include "mesh/gaussian_mesh.h"
#include "mesh/mesh_files.h"
#include "mesh/physical_size.h"
#include "mesh/urdf.h"
#include "mesh_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct MeshArguments {
  fs::path input, output;
  MeshPlacementOptions placement;
  MeshOptions options;
  UrdfOptions urdf_options;
  bool urdf = false;
  int threads = 0;
  bool quiet = false;
};

void run_mesh(MeshArguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit then fails like a full disk
  if (arguments.threads > 0) at::set_num_threads(arguments.threads);
  if (arguments.output.empty()) arguments.output = fs::path(arguments.input).replace_extension(".glb");
  const MeshFormat format = mesh_format(arguments.output);
  const Placement placement = arguments.placement.placement();
  check_placement(placement, format);  // before the work, not after it
  if (arguments.urdf && !has_convex_hull())
    throw UsageError("--urdf: this build makes no convex meshes: it was made without Qhull (GSV3D_WITH_QHULL)");
  if (fs::weakly_canonical(arguments.output) == fs::weakly_canonical(arguments.input))
    throw UsageError(
        fmt::format("{}: the mesh would replace the Gaussians; give another name with -o", arguments.output.string()));
  arguments.options.texture = format != MeshFormat::kStl;
  Progress::set_quiet(arguments.quiet);
  std::optional<Progress> bar;
  std::string shown;
  const auto on_progress = [&](const std::string& stage, int64_t done, int64_t total) {
    if (!bar || stage != shown) bar.emplace(shown = stage, total);
    bar->update(done);
  };
  const Mesh mesh =
      placed(mesh_gaussians(read_gaussians(arguments.input).gaussians, arguments.options, on_progress), placement, format);
  bar.reset();
  write_mesh(arguments.output, mesh);
  std::optional<MassProperties> mass;
  if (arguments.urdf)
    mass = write_urdf(fs::path(arguments.output).replace_extension(".urdf"), arguments.output, mesh, arguments.urdf_options);
  if (arguments.quiet) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{}: {} triangles{}{} in {:.1f} s\n", arguments.output.string(), mesh.triangles.size(),
             mesh.textured() ? fmt::format(", texture of {0} x {0} pixels", mesh.texture.width) : "", size_words(mesh), seconds);
  if (format == MeshFormat::kStl && !placement.size)
    fmt::print("  no --size was given: the longest side is {:.0f} mm\n", 1000 * kStlDefaultSize.metres);
  if (mass)
    fmt::print("{}: {:.4g} kg{}{}\n", fs::path(arguments.output).replace_extension(".urdf").string(), mass->mass,
               arguments.urdf_options.mass ? "" : fmt::format(" at {} kg/m3", arguments.urdf_options.density),
               mesh.unit == LengthUnit::kUnknown ? "; no --size was given: one unit counts as a metre" : "");
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
  a.placement.add_to(*command);
  auto* urdf =
      command->add_flag("--urdf", a.urdf, "also NAME.urdf and NAME_collision.obj (convex) beside the mesh, for robot simulators");
  auto* mass = command->add_option("--mass", a.urdf_options.mass, "of the object in the URDF, kg")
                   ->check(CLI::Range(1e-9, 1e9))
                   ->needs(urdf);
  command->add_option("--density", a.urdf_options.density, "of the object in the URDF instead, kg/m3")
      ->check(CLI::Range(1e-3, 1e6))
      ->needs(urdf)
      ->excludes(mass)
      ->capture_default_str();
  command->add_option("--threads", a.threads, "CPU threads (default: one per core)")->check(CLI::Range(1, 1024));
  command->add_flag("-q,--quiet", a.quiet, "print errors only");
  command->footer(
      "Files hold +Y up and the front towards +Z (STL: +Z up, front -Y).\n\n"
      "Examples:\n"
      "  gsv3d mesh out/photo/object.ply -o object.glb\n"
      "  gsv3d mesh object.ply -o print.stl --watertight --size 12cm");
  command->callback([arguments] { run_mesh(*arguments); });
}

}  // namespace gsv3d
