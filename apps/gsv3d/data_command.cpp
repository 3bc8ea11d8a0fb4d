// gsv3d data: objects → training views, what is in them, and packs of objects.
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "commands.h"
#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "dataset/inspect.h"
#include "dataset/render_dataset.h"
#include "objects/object_pack.h"
#include "procedural/procedural_object.h"
#include "run_options.h"

namespace gsv3d {
namespace {

struct DataArguments {
  std::filesystem::path source, output;
  std::vector<std::filesystem::path> sources;  ///< render takes several
  ObjectSelection selection;
  RenderJob job;
  PackOptions pack;
  std::vector<std::string> elevations = {"10"};
  std::filesystem::path environment;
  int64_t threads = 0;
  std::string shard;
  bool quiet = false;
  InspectOptions inspect;
  int64_t count = 0;
  uint64_t seed = 1;
  std::filesystem::path split_output;
};

std::vector<std::optional<double>> parse_elevations(const std::vector<std::string>& words) {
  std::vector<std::optional<double>> result;
  for (const auto& word : words) {
    double degrees = 0;
    if (word == "random") {
      result.emplace_back();
    } else if (CLI::detail::lexical_cast(word, degrees) && degrees > -90 && degrees < 90) {
      result.emplace_back(degrees);
    } else {
      throw UsageError(fmt::format("--elevations: \"{}\" is neither \"random\" nor degrees between -90 and 90", word));
    }
  }
  return result;
}

/// Threads and quiet, for the whole process.
void apply(const DataArguments& arguments) {
  if (arguments.threads > 0) at::set_num_threads(static_cast<int>(arguments.threads));
  init_logging(arguments.quiet);
  Progress::set_quiet(arguments.quiet);
}

void run_render(DataArguments& arguments) {
  apply(arguments);
  RenderJob& job = arguments.job;
  job.elevations_degrees = parse_elevations(arguments.elevations);
  if (!arguments.shard.empty()) job.part = parse_shard(arguments.shard);
  if (!arguments.environment.empty()) job.options.lighting = environment_lighting(load_image(arguments.environment));
  if (!arguments.selection.split.empty()) job.shard_name = arguments.selection.split;
  std::vector<ObjectEntry> entries;
  for (const auto& source : arguments.sources) {
    auto some = list_objects(source, arguments.selection);
    entries.insert(entries.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  const RenderReport report = render_dataset(entries, job, arguments.output);
  if (arguments.quiet) return;
  const std::string part = job.part.count > 1 ? fmt::format(" (part {} of 0 … {})", job.part.index, job.part.count - 1) : "";
  if (report.was_done) {
    fmt::print("{}{}: rendered already\n", arguments.output.string(), part);
    return;
  }
  const std::string outcomes = outcome_text(report.records);
  fmt::print("{}{}: {} samples of {} objects, {} views of {} x {} pixels; {} objects skipped{}\n", arguments.output.string(),
             part, report.samples, report.objects, report.views, job.plan.size, job.plan.size, report.failures.size(),
             outcomes.empty() ? "" : fmt::format(": {} (report.csv)", outcomes));
}

void run_pack(DataArguments& arguments) {
  apply(arguments);
  const auto entries = list_objects(arguments.source, arguments.selection);
  const int64_t packed = write_object_pack(arguments.output, entries, arguments.pack);
  if (arguments.quiet) return;
  fmt::print("{}: {} of {} objects, {:.1f} MB\n", arguments.output.string(), packed, entries.size(),
             static_cast<double>(std::filesystem::file_size(arguments.output)) / 1e6);
}

/// A table that `data render` and trainers take: every object is for training.
void write_split_file(const std::filesystem::path& path, const std::vector<ObjectEntry>& entries) {
  std::string text = "id,split,usable,group,category,author,licence\n";
  for (const ObjectEntry& entry : entries)
    text += fmt::format("{},{},1,{},{},{},{}\n", entry.id, entry.split, entry.group, entry.name, entry.author, entry.licence);
  write_file(path, text);
}

void run_synthesize(DataArguments& arguments) {
  apply(arguments);
  if (arguments.selection.split.empty()) arguments.selection.split = "train";
  const auto entries = procedural_objects(arguments.count, arguments.seed, arguments.selection.split);
  const int64_t packed = write_object_pack(arguments.output, entries, arguments.pack);
  if (!arguments.split_output.empty()) write_split_file(arguments.split_output, entries);
  if (arguments.quiet) return;
  fmt::print("{}: {} objects, {:.1f} MB\n", arguments.output.string(), packed,
             static_cast<double>(std::filesystem::file_size(arguments.output)) / 1e6);
}

void run_inspect(DataArguments& arguments) {
  fmt::print("{}", inspect_dataset(arguments.source, arguments.selection, arguments.inspect));
}

void add_selection_options(CLI::App& command, DataArguments& arguments) {
  command.add_option("--split-file", arguments.selection.split_file, "CSV with id, split, usable ...")->check(CLI::ExistingFile);
  command.add_option("--split", arguments.selection.split, "only this split: train | val | test");
  command.add_option("--limit", arguments.selection.limit, "at most so many objects, evenly spread; 0: all")
      ->check(number_between(0, 1e9));
}

void add_render_options(CLI::App& command, DataArguments& arguments) {
  RenderJob& job = arguments.job;
  const auto count = [&](const char* name, int64_t& value, int64_t least, int64_t most, const char* help) {
    command.add_option(name, value, help)
        ->check(number_between(static_cast<double>(least), static_cast<double>(most)))
        ->capture_default_str();
  };
  count("--size", job.plan.size, 8, 4096, "pixels a side");
  count("--orbit-views", job.plan.orbit_views, 0, 4096, "views of the orbit, azimuth 0 first");
  command.add_option("--elevations", arguments.elevations, "degrees or \"random\" (-5 to 30 per object); one sample each")
      ->delimiter(',')
      ->capture_default_str();
  count("--random-views", job.plan.random_views, 0, 4096, "further views from random directions");
  count("--samples", job.options.samples, 1, 64, "rays per pixel: a grid of N x N");
  count("--occlusion-samples", job.options.occlusion_samples, 0, 1024, "rays per sample for ambient occlusion; 0: off");
  command.add_option("--environment", arguments.environment, "equirectangular picture that lights the objects")
      ->check(CLI::ExistingFile);
  command.add_option("--light-jitter", job.light_jitter, "how far each sample's light is from the studio's, 0 to 1")
      ->check(number_between(0, 1))
      ->capture_default_str();
  command.add_option("--smallest-scale", job.smallest_scale, "objects are shrunk by a factor between this and 1")
      ->check(number_between(0.1, 1))
      ->capture_default_str();
  command.add_flag("--shuffle", job.shuffle, "objects in an order drawn by the seed: each shard is a fair sample of all");
  command.add_option("--shard", arguments.shard,
                     "I/N: only every N-th object, from the I-th (0 … N-1) on; all N fill one folder. auto: as Slurm, OpenMPI or "
                     "Kubernetes say in the environment");
  count("--samples-per-shard", job.samples_per_shard, 1, 1'000'000, "a shard appears when it is full");
  command.add_option("--seed", job.seed, "decides the random elevations and cameras")
      ->check(whole_number())
      ->capture_default_str();
  command.add_option("--threads", arguments.threads, "CPU threads (default: OMP_NUM_THREADS, else all cores)")
      ->check(number_between(1, 1e9));
}

/// Objects to leave out.
void add_limit_options(CLI::App& command, ObjectLimits& limits) {
  const auto limit = [&](const char* name, auto& value, double most, const char* help) {
    command.add_option(name, value, help)->check(number_between(0, most))->capture_default_str();
  };
  limit("--max-triangles", limits.most_triangles, 1e12, "leave out objects of more triangles; 0: no limit");
  limit("--max-object-memory", limits.most_megabytes, 1e9, "leave out objects that take more MB to render; 0: no limit");
  limit("--max-object-seconds", limits.most_seconds, 1e9,
        "leave out objects that take longer; 0: no limit. Depends on the machine, other limits do not");
  limit("--min-thickness", limits.least_thickness, 1, "leave out flat objects: shortest side of the box / longest side");
  limit("--min-coverage", limits.least_coverage, 1, "leave out thin objects: mean share of a view that they cover");
  command.add_flag("--textured-only", limits.textured_only, "leave out objects with neither textures nor colours of vertices");
}

void add_pack_options(CLI::App& command, DataArguments& arguments) {
  command.add_option("--texture-size", arguments.pack.texture_size, "longest side of a texture, pixels")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--texture-quality", arguments.pack.texture_quality, "WebP quality")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command.add_option("--position-bits", arguments.pack.position_bits, "steps across the unit cube: 2^bits")
      ->check(CLI::Range(6, 16))
      ->capture_default_str();
  command.add_option("--simplify", arguments.pack.simplify, "let surfaces move so far (of the unit cube) to save triangles")
      ->check(number_between(0, 0.1))
      ->capture_default_str();
}

}  // namespace

void add_data_command(CLI::App& app) {
  CLI::App* data = app.add_subcommand("data", "Training data: render objects, look into shards, pack objects");
  data->require_subcommand(1);
  auto arguments = std::make_shared<DataArguments>();

  CLI::App* render = data->add_subcommand("render", "Render views of objects into shards");
  render
      ->add_option("source", arguments->sources,
                   "folders of object files or .sh3f libraries, such files, packs, or procedural:COUNT:SEED")
      ->required();
  render->add_option("-o,--output", arguments->output, "folder for the shards")->required();
  add_selection_options(*render, *arguments);
  add_render_options(*render, *arguments);
  add_limit_options(*render, arguments->job.limits);
  render->add_flag("--quiet", arguments->quiet, "print errors and warnings only");
  render->callback([arguments] { run_render(*arguments); });

  CLI::App* inspect = data->add_subcommand("inspect", "What shards or objects hold; a contact sheet");
  inspect->add_option("source", arguments->source, "shards (file or folder), or anything that render takes")->required();
  inspect->add_option("--sheet", arguments->inspect.sheet, "write a contact sheet as PNG");
  inspect->add_option("--sheet-objects", arguments->inspect.sheet_objects, "rows of the sheet")
      ->check(number_between(1, 1e9))
      ->capture_default_str();
  add_selection_options(*inspect, *arguments);
  inspect->callback([arguments] { run_inspect(*arguments); });

  CLI::App* pack = data->add_subcommand("pack", "Put many objects into one small file that render takes");
  pack->add_option("source", arguments->source, "as for render")->required();
  pack->add_option("-o,--output", arguments->output, "the file to write")->required();
  add_selection_options(*pack, *arguments);
  add_pack_options(*pack, *arguments);
  pack->add_flag("--quiet", arguments->quiet, "print errors and warnings only");
  pack->callback([arguments] { run_pack(*arguments); });

  CLI::App* synthesize = data->add_subcommand("synthesize", "Make objects that nobody made, as a pack that render takes");
  synthesize->add_option("--count", arguments->count, "how many")->required()->check(number_between(1, 1e7));
  synthesize->add_option("--seed", arguments->seed, "object i depends on seed and i alone")
      ->check(whole_number())
      ->capture_default_str();
  synthesize->add_option("-o,--output", arguments->output, "the pack to write")->required();
  synthesize->add_option("--split-file", arguments->split_output, "write a table of the objects (CSV)");
  synthesize->add_option("--split", arguments->selection.split, "the table's split: train (default) | val | test");
  synthesize->add_option("--threads", arguments->threads, "CPU threads (default: OMP_NUM_THREADS, else all cores)")
      ->check(number_between(1, 1e9));
  add_pack_options(*synthesize, *arguments);
  synthesize->add_flag("--quiet", arguments->quiet, "print errors and warnings only");
  synthesize->callback([arguments] { run_synthesize(*arguments); });
}

}  // namespace gsv3d
