// gsv3d convert: one file of Gaussians into another format, right way up.
#include <fmt/format.h>

#include <csignal>

#include "commands.h"
#include "gaussian_files/convert.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct ConvertArguments {
  fs::path from, to;
  ConvertOptions options;
  std::string up, input_up;
  int64_t sh_degree = 3;
  bool quiet = false;
};

std::optional<Frame> frame_of(const std::string& up) {
  if (up == "y") return Frame::kWorld;
  if (up == "-y") return Frame::kYDown;
  if (up == "z") return Frame::kZUp;
  return std::nullopt;
}

void run_convert(const CLI::App& command, ConvertArguments& arguments) {
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond a file size limit then fails like a full disk
  arguments.options.read.frame = frame_of(arguments.input_up);
  arguments.options.write.frame = frame_of(arguments.up);
  if (command.count("--sh")) arguments.options.sh_degree = arguments.sh_degree;
  const ConvertReport report = convert_gaussians(arguments.from, arguments.to, arguments.options);
  if (arguments.quiet) return;
  const std::string pruned = report.written < report.read ? fmt::format(" of {}", report.read) : "";
  fmt::print("{}: {}{} Gaussians, {:.1f} MB, {}\n", arguments.to.string(), report.written, pruned,
             static_cast<double>(fs::file_size(arguments.to)) / 1e6, format_name(format_of_name(arguments.to)));
}

}  // namespace

void add_convert_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("convert", "Gaussians from one file format into another");
  auto arguments = std::make_shared<ConvertArguments>();
  ConvertArguments& a = *arguments;
  const auto axis = CLI::IsMember({"y", "-y", "z"});
  command->add_option("input", a.from, "file of Gaussians, or a SOG's folder; its content decides about the format")->required();
  command->add_option("output", a.to, "its name decides: .ply, .compressed.ply, .splat, .spz, .glb (release candidate)")
      ->required();
  command
      ->add_option(
          "--up", a.up,
          "the output's axis that points up: y, -y or z (default: what the format's viewers expect; z for Blender and CAD)")
      ->check(axis);
  command->add_option("--input-up", a.input_up, "the input's axis that points up, when it is not the usual one")->check(axis);
  command->add_option("--scale", a.options.scale, "makes the object so many times larger")->check(CLI::PositiveNumber);
  command->add_option("--sh", a.sh_degree, "drops spherical harmonics above this degree")->check(CLI::Range(0, 3));
  command->add_option("--prune", a.options.min_opacity, "drops Gaussians with opacities below this")->check(CLI::Range(0.0, 1.0));
  command->add_option("--spz-version", a.options.write.spz_version, "3, which most programs read, or 4, which is smaller")
      ->check(CLI::IsMember({3, 4}))
      ->capture_default_str();
  command->add_flag(
      "--strict", a.options.read.strict,
      "refuses files with rows that are no Gaussians (not finite, out of range, zeros), which are left out otherwise");
  command->add_flag("--ply-full", a.options.write.ply_all_properties, "all 62 floats in a PLY, which some viewers demand");
  command->add_flag("--quiet", a.quiet, "print errors only");
  command->footer(
      "Examples:\n"
      "  gsv3d convert object.ply object.spz\n"
      "  gsv3d convert scene.spz scene.ply --ply-full --prune 0.02\n"
      "  gsv3d convert object.ply blender.ply --up z --scale 0.3\n\n"
      "Formats, axes and precision: docs/formats.md.");
  command->callback([command, arguments] { run_convert(*command, *arguments); });
}

}  // namespace gsv3d
