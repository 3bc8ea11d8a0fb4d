// gsv3d model: model folders. "init" makes one with random weights, to time an architecture or to begin a training from.
#include "commands.h"
#include "core/error.h"
#include "models/model_folder.h"
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

}  // namespace

void add_model_command(CLI::App& app) {
  auto* command = app.add_subcommand("model", "Model folders: make one with random weights");
  command->require_subcommand(1);
  auto* init = command->add_subcommand("init", "Make a model folder with random weights from a config.json");
  auto arguments = std::make_shared<InitArguments>();
  init->add_option("config", arguments->config, "hyper-parameters, for example configs/tiny/config.json")->required();
  init->add_option("-o,--output", arguments->output, "the folder to make")->required();
  init->add_option("--seed", arguments->seed, "same seed, same weights")->check(whole_number())->capture_default_str();
  init->callback([arguments] { run_init(*arguments); });
}

}  // namespace gsv3d
