// gsv3d view: a page that shows Gaussians, and a mesh, in a browser.
#include <fmt/format.h>

#include "commands.h"
#include "core/atomic_file.h"
#include "core/error.h"
#include "exports/viewer_page.h"
#include "gaussian_files/gaussian_file.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestMesh = size_t{1} << 28;  // browsers hold no longer texts than 512 MB

struct ViewArguments {
  fs::path object, mesh, output;
  std::string title, input_up;
  double elevation_degrees = 10;
  bool strict = false, quiet = false;
};

std::optional<Frame> frame_of(const std::string& up) {
  if (up.empty()) return std::nullopt;
  return up == "y" ? Frame::kWorld : up == "z" ? Frame::kZUp : Frame::kYDown;
}

std::string read_glb(const fs::path& path) {
  std::string bytes = read_file(path, kLargestMesh);
  require(bytes.starts_with("glTF"), "{}: no binary glTF (.glb)", path.string());
  return bytes;
}

void run_view(ViewArguments& arguments) {
  if (arguments.output.empty()) arguments.output = fs::path(arguments.object).replace_extension(".html");
  for (const fs::path& input : {arguments.object, arguments.mesh}) {
    if (!input.empty() && fs::weakly_canonical(arguments.output) == fs::weakly_canonical(input))
      throw UsageError(fmt::format("{}: the page would replace it; give another name with -o", input.string()));
  }
  GaussianFile object = read_gaussians(arguments.object, {frame_of(arguments.input_up), arguments.strict});
  ViewerPage page;
  page.title = arguments.title.empty() ? arguments.object.stem().string() : arguments.title;
  page.view = standard_view(object.gaussians);
  page.view.elevation_degrees = arguments.elevation_degrees;
  page.gaussians = std::move(object.gaussians);
  page.antialiased = object.antialiased;
  if (!arguments.mesh.empty()) page.mesh = read_glb(arguments.mesh);
  write_viewer(arguments.output, page);
  if (arguments.quiet) return;
  fmt::print("{}: {} Gaussians{}, {:.1f} MB\n", arguments.output.string(), page.gaussians.count(),
             page.mesh.empty() ? "" : " and a mesh", static_cast<double>(fs::file_size(arguments.output)) / 1e6);
}

}  // namespace

void add_view_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("view", "Make a page that shows Gaussians in a browser, from disk");
  auto arguments = std::make_shared<ViewArguments>();
  ViewArguments& a = *arguments;
  command->add_option("object", a.object, "PLY, compressed PLY, .splat, SPZ, SOG or GLB with Gaussians")->required();
  command->add_option("--mesh", a.mesh, "GLB file with the object's mesh, to be shown beside the Gaussians");
  command->add_option("-o,--output", a.output, "the page (default: OBJECT.html)");
  command->add_option("--title", a.title, "name on the page and of downloaded files (default: the object's file name)");
  command->add_option("--elevation", a.elevation_degrees, "degrees above the object from where it is first looked at")
      ->check(CLI::Range(-89.0, 89.0))
      ->capture_default_str();
  command->add_option("--input-up", a.input_up, "the file's axis that points up, when it is not the format's usual one")
      ->check(CLI::IsMember({"y", "-y", "z"}));
  command->add_flag("--strict", a.strict, "refuses files with rows that are no Gaussians, which are left out otherwise");
  command->add_flag("-q,--quiet", a.quiet, "print errors only");
  command->footer(
      "Examples:\n"
      "  gsv3d view object.ply --mesh object.glb -o viewer.html\n"
      "  gsv3d view scene.spz");
  command->callback([arguments] { run_view(*arguments); });
}

}  // namespace gsv3d
