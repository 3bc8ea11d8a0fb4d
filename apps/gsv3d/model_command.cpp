// gsv3d model: model folders. "init" makes one with random weights, to time an architecture or to begin a training from;
// "statistics" describes the photos of its training split; "quantize" makes a smaller copy; "lora" writes its LoRA for other
// programs.
#include "commands.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "dataset/shards.h"
#include "image/picture.h"
#include "models/lora_export.h"
#include "models/model_folder.h"
#include "models/quantize_model.h"
#include "pipeline/photo_statistics.h"
#include "run_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct InitArguments {
  fs::path config, output;
  uint64_t seed = 1;
};

void run_init(const InitArguments& arguments) {
  const auto config = config_from_json<ModelConfig>(read_json_file(arguments.config), arguments.config.string());
  check_model_config(config, arguments.config.string());
  require(!fs::exists(arguments.output), "{} exists already: give a folder that is to be made", arguments.output.string());
  initialise_model(arguments.output, config, arguments.seed);
  fmt::print("{}: random weights for \"{}\"; look with: gsv3d info --model {}\n", arguments.output.string(), config.name,
             arguments.output.string());
}

struct StatisticsArguments {
  std::vector<fs::path> shards;
  RunOptions run;
};

/// The first view of every orbit is what a framed photo of the object looks like.
void run_statistics(const StatisticsArguments& arguments) {
  arguments.run.apply();
  const fs::path folder = arguments.run.model_folder();
  const Model model = load_model(folder, {arguments.run.chosen_device(), arguments.run.chosen_dtype(), true, false});
  std::vector<Tensor> embeddings;
  std::string source;
  for (const fs::path& shards : arguments.shards) {
    const size_t before = embeddings.size();
    read_shards(find_shards(shards), [&](ObjectViews views) {
      throw_if_cancelled();
      const Tensor photo = picture(views.rgba.slice(0, 0, 1).to(at::kFloat) / 255);
      embeddings.push_back(photo_embedding(model, photo)[0]);
    });
    source +=
        fmt::format("{}{} orbits of {}", source.empty() ? "" : ", ", embeddings.size() - before, shards.filename().string());
  }
  require(!embeddings.empty(), "{}: no orbits", arguments.shards.front().string());
  PhotoStatistics statistics = photo_statistics(at::stack(embeddings));
  statistics.source = source;
  write_photo_statistics(folder, statistics);
  fmt::print("{}: {} photos\n", (folder / photo_statistics_name).string(), statistics.photos);
}

void add_statistics(CLI::App& model) {
  auto* command = model.add_subcommand(
      "statistics",
      "What the photos of a model's training split look like to it, so that generate can say when one is unlike them");
  auto arguments = std::make_shared<StatisticsArguments>();
  command->add_option("shards", arguments->shards, "shards of the training split (see \"gsv3d data render\")")->required();
  arguments->run.add_to(*command);
  command->footer("Writes MODEL/photo_statistics.json.");
  command->callback([arguments] { run_statistics(*arguments); });
}

struct QuantizeArguments {
  fs::path folder, output;
  std::vector<std::string> parts;
};

void run_quantize(const QuantizeArguments& arguments) {
  const auto megabytes = [](uintmax_t bytes) { return static_cast<double>(bytes) / 1e6; };
  for (const QuantizedPart& part : quantize_model(arguments.folder, arguments.output, arguments.parts))
    fmt::print("{:<18} {:>8.2f} MB -> {:>8.2f} MB, relative error of the weights {:.4f}\n", part.name,
               megabytes(part.bytes_before), megabytes(part.bytes_after), part.relative_error);
}

void add_quantize(CLI::App& model) {
  auto* command = model.add_subcommand("quantize", "Copy a model folder with networks stored in eight bits per weight");
  auto arguments = std::make_shared<QuantizeArguments>();
  command->add_option("folder", arguments->folder, "the model folder")->required()->check(CLI::ExistingDirectory);
  command->add_option("-o,--output", arguments->output, "the folder to make")->required();
  command->add_option("--parts", arguments->parts, "networks, by the names of their files: unet,text_unet,...")
      ->delimiter(',')
      ->required();
  command->footer("Networks compute as before; only files are smaller. Measure what it costs: gsv3d eval --beside.");
  command->callback([arguments] { run_quantize(*arguments); });
}

void add_lora(CLI::App& model) {
  auto* command = model.add_subcommand("lora", "Write the LoRA that \"train distill\" made as other programs read it");
  struct Arguments {
    fs::path model, output;
    LoraNames names = LoraNames::diffusers;
  };
  auto arguments = std::make_shared<Arguments>();
  const std::map<std::string, LoraNames> names = {
      {"peft", LoraNames::peft}, {"diffusers", LoraNames::diffusers}, {"kohya", LoraNames::kohya}};
  command->add_option("model", arguments->model, "model folder with distilled_lora.safetensors")->required();
  command->add_option("-o,--output", arguments->output, "the .safetensors file to write")->required();
  command
      ->add_option("--names", arguments->names,
                   "diffusers: unet.LAYER.lora_A.weight (default); kohya: lora_unet_LAYER.lora_down.weight; peft: over Stability "
                   "AI's names")
      ->transform(CLI::CheckedTransformer(names));
  command->callback([arguments] {
    export_lora(arguments->model, arguments->names, arguments->output);
    fmt::print("{}\n", arguments->output.string());
  });
}

}  // namespace

void add_model_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "model",
      "Model folders: make one with random weights, describe its training photos, make it smaller, write its LoRA for others");
  add_statistics(*command);
  add_quantize(*command);
  add_lora(*command);
  command->require_subcommand(1);
  auto* init = command->add_subcommand("init", "Make a model folder with random weights from a config.json");
  auto arguments = std::make_shared<InitArguments>();
  init->add_option("config", arguments->config, "hyper-parameters, for example configs/tiny/config.json")->required();
  init->add_option("-o,--output", arguments->output, "the folder to make")->required();
  init->add_option("--seed", arguments->seed, "same seed, same weights")->check(whole_number())->capture_default_str();
  init->callback([arguments] { run_init(*arguments); });
}

}  // namespace gsv3d
