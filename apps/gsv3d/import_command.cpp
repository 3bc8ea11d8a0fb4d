// gsv3d import: a model folder from public checkpoints.
#include <chrono>

#include "commands.h"
#include "core/device.h"
#include "core/error.h"
#include "core/progress.h"
#include "models/import_model.h"
#include "run_options.h"

namespace gsv3d {
namespace {

/// What many names begin with, up to a dot, for a line that stands for all of them.
std::string common_prefix(const std::vector<std::string>& names) {
  std::string prefix = names.front();
  for (const std::string& name : names)
    prefix.erase(std::mismatch(prefix.begin(), prefix.end(), name.begin(), name.end()).first, prefix.end());
  const size_t dot = prefix.rfind('.');
  return dot == prefix.npos ? "" : prefix.substr(0, dot + 1);
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t few = 6;
  if (names.size() <= few) return fmt::format("{}", fmt::join(names, ", "));
  const std::string prefix = common_prefix(names);
  return prefix.empty() ? fmt::format("{}, ...", fmt::join(names.begin(), names.begin() + few, ", ")) : prefix + "*";
}

void print_report(const ImportReport& report, const std::filesystem::path& output, double seconds) {
  uint64_t bytes = 0;
  int64_t used = 0, ignored = 0;
  for (const ImportedPart& part : report.parts) bytes += part.bytes, used += part.source_tensors;
  for (const IgnoredTensors& group : report.ignored) ignored += static_cast<int64_t>(group.names.size());
  fmt::print("{}: {}, {:.2f} GB in {:.1f} s\n", output.string(), report.config.name, static_cast<double>(bytes) / 1e9, seconds);
  fmt::print("  used     {:>5} tensors\n", used);
  for (const ImportedPart& part : report.parts)
    fmt::print("           {:>5} for {} ({:.2f} GB)\n", part.source_tensors, part.name, static_cast<double>(part.bytes) / 1e9);
  fmt::print("  ignored  {:>5} tensors\n", ignored);
  for (const IgnoredTensors& group : report.ignored)
    fmt::print("           {:>5} {} ({})\n", group.names.size(), listed(group.names), group.reason);
  fmt::print("  missing      0 tensors\n");
}

struct ImportArguments {
  ImportOptions options;
  std::string dtype;
  bool quiet = false;
};

void run_import(ImportArguments& arguments) {
  Progress::set_quiet(arguments.quiet);
  if (!arguments.dtype.empty()) arguments.options.dtype = parse_dtype(arguments.dtype);
  const auto start = std::chrono::steady_clock::now();
  ImportReport report;
  {
    constexpr uint64_t megabyte = 1'000'000;
    std::optional<Progress> bar;
    report = import_model(arguments.options, [&](uint64_t done, uint64_t total) {
      if (!bar) bar.emplace("import, MB", static_cast<int64_t>(total / megabyte));
      bar->update(static_cast<int64_t>(done / megabyte));
    });
  }
  if (arguments.quiet) return;
  print_report(report, arguments.options.output, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace

void add_import_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "import", "Make a model folder from public weights: SV3D, Stable Diffusion 2.x, DINOv2, a decoder, a LoRA");
  auto arguments = std::make_shared<ImportArguments>();
  ImportOptions& o = arguments->options;
  command->add_option("--sv3d", o.sv3d, "sv3d_p.safetensors, sv3d_u.safetensors, or a diffusers folder of SV3D");
  command->add_option("--sd", o.sd,
                      "Stable Diffusion 2.x or SD-Turbo for pictures from text: a .safetensors file, or a diffusers folder");
  command->add_option(
      "--sd-vocabulary", o.sd_vocabulary,
      "of its tokenizer: bpe_simple_vocab_16e6.txt.gz, merges.txt or tokenizer.json (default: the one beside it)");
  command->add_option("--sd-kind", o.sd_kind,
                      "base, v768 (v-prediction) or turbo (default: as a folder, or the file's name says)");
  command->add_option("--dino", o.dino, "DINOv2 (small, base or large), official or Hugging Face's names");
  command->add_option("--decoder", o.decoder, "gaussian_decoder.safetensors of a trained model folder");
  command->add_option("--lora", o.lora, "LoRA for the UNet: PEFT, diffusers or kohya names");
  command->add_option("--lora-weight", o.lora_weight, "how strongly the LoRA acts")
      ->check(number_between(-10, 10))
      ->capture_default_str();
  command->add_flag("--merge-lora", o.merge_lora, "add the LoRA to the weights instead of keeping it as a file of its own");
  command->add_option("--dtype", arguments->dtype, "store weights as fp32, fp16 or bf16 (default: as they are)");
  command->add_option("--config", o.config, "hyper-parameters (config.json) of a model of other widths than SV3D's");
  command->add_option("-o,--output", o.output, "the model folder to make; without --sv3d, the one to add to if it exists")
      ->required();
  command->add_flag("--quiet", arguments->quiet, "print errors and warnings only");
  command->footer(
      "Examples:\n"
      "  gsv3d import --sv3d sv3d_p.safetensors --dtype bf16 -o models/sv3d_p\n"
      "  gsv3d import --dino dinov2_vitb14_reg4.safetensors --decoder run/gaussian_decoder.safetensors -o models/sv3d_p");
  command->callback([arguments] { run_import(*arguments); });
}

}  // namespace gsv3d
