// gsv3d train: one training stage, from rendered views to weights in a model folder.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "commands.h"
#include "core/error.h"
#include "core/job_place.h"
#include "core/log.h"
#include "core/progress.h"
#include "run_options.h"
#include "training/train.h"

namespace gsv3d {
namespace {

struct TrainArguments {
  TrainOptions options;
  int64_t steps = 0, threads = 0;
  double minutes = 0, seconds = 0, data_memory = 0;
  std::vector<std::string> data;
  int64_t processes = 1;  // 0 where --dry-run comes without a number
  bool no_resume = false, quiet = false, tries_step = false;
};

/// The machine's cores shared out to its processes, unless the launcher has bound each to its own.
int own_threads(int64_t processes) {
  cpu_set_t own;
  const bool bound = ::sched_getaffinity(0, sizeof own, &own) == 0 && CPU_COUNT(&own) < ::sysconf(_SC_NPROCESSORS_ONLN);
  return std::max(1, bound ? at::get_num_threads() : at::get_num_threads() / static_cast<int>(processes));
}

void run_train(const CLI::App& command, TrainArguments& arguments) {
  TrainOptions& options = arguments.options;
  if (command.count("--steps")) options.steps = arguments.steps;
  if (command.count("--minutes")) options.minutes = arguments.minutes;
  if (command.count("--seconds")) options.seconds = arguments.seconds;
  if (command.count("--data-memory")) options.data_bytes = std::llround(arguments.data_memory * 1e9);
  for (const std::string& data : arguments.data) options.data.push_back(parse_data_folder(data));
  options.resume = !arguments.no_resume;
  const JobPlace place = job_place();
  if (place.rank > 0) arguments.quiet = true;  // the first process speaks for all
  // Without the option OMP_NUM_THREADS decides, so that several trainings can share a machine.
  if (arguments.threads > 0)
    at::set_num_threads(static_cast<int>(arguments.threads));
  else if (place.local_size > 1 && !std::getenv("OMP_NUM_THREADS"))
    at::set_num_threads(own_threads(place.local_size));
  init_logging(arguments.quiet);
  Progress::set_quiet(arguments.quiet);
  if (command.count("--dry-run")) {
    fmt::print("{}", dry_run(options, std::max<int64_t>(arguments.processes, 1), arguments.tries_step));
    return;
  }
  TrainSummary summary;
  try {
    summary = train(options);
  } catch (const Cancelled&) {
    if (place.rank > 0) throw CLI::RuntimeError(130);
    throw;
  }
  if (arguments.quiet) return;
  if (summary.had_ended)
    fmt::print("{}: this run is finished, {} steps were done in {:.0f} s; a larger --steps goes on, another --run begins anew\n",
               options.stage, summary.steps, summary.seconds);
  else
    fmt::print("{}: {} steps in {:.0f} s (this session began at step {}, {} skipped), last loss {:.5g}\n", options.stage,
               summary.steps, summary.seconds, summary.first_step, summary.skipped, summary.last_loss);
  fmt::print("weights: {}\nrun: {}\n", options.model.string(), options.run.string());
}

}  // namespace

void add_train_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("train", "Train one stage of a model: vae, then diffusion and decoder, then distill; text after vae");
  auto arguments = std::make_shared<TrainArguments>();
  TrainOptions& options = arguments->options;
  command->add_option("stage", options.stage, "vae | diffusion | decoder | distill | text")
      ->required()
      ->check(CLI::IsMember(training_stages()));
  command
      ->add_option("--model", options.model,
                   "model folder: its config.json gives the architecture; receives the weights at the end")
      ->required();
  command->add_flag("--replace", options.replace,
                    "put trained weights of the model folder aside (into its previous-N) that the run does not begin with");
  command
      ->add_option("--data", arguments->data,
                   "shards of rendered views (see \"gsv3d data render\"): PATH or PATH:WEIGHT, repeatable")
      ->allow_extra_args(false);
  command->add_flag("--follow", options.follow, "start with the first shard and take in others while they are rendered");
  command
      ->add_option("--data-memory", arguments->data_memory,
                   "GB of views that each process may keep in memory; of larger sets, those of the next step are read ahead from "
                   "their shards (default: a quarter of the machine's memory, divided by the processes on it)")
      ->check(number_between(0, 1e6));
  command->add_option("--run", options.run, "folder for checkpoint, weights, metrics and previews");
  command->add_option("--config", options.config, "the stage's settings, for example configs/tiny/train_vae.json")->required();
  auto* dry_run = command
                      ->add_option("--dry-run", arguments->processes,
                                   "say how many parameters and how much memory each of so many processes (default 1) takes, and "
                                   "end: without data and weights")
                      ->expected(0, 1)
                      ->check(number_between(1, 1e6));
  command->add_flag("--try-step", arguments->tries_step, "after --dry-run: one real step on small made-up pictures, on the CPU")
      ->needs(dry_run);
  auto* steps = command->add_option("--steps", arguments->steps, "number of steps instead of the configuration's")
                    ->check(number_between(1, 1e9));
  auto* minutes =
      command->add_option("--minutes", arguments->minutes, "schedule by training time instead of steps (not bit-reproducible)")
          ->check(number_between(0.001, 1e7))
          ->excludes(steps);
  command->add_option("--seconds", arguments->seconds, "end so many seconds after the start, reading data and export included")
      ->check(number_between(1, 1e9))
      ->excludes(steps)
      ->excludes(minutes);
  command->add_flag("--recompute", options.recompute,
                    "gradient checkpointing: less memory for the time of another forward pass, the same gradients to rounding");
  command->add_flag("--share-moments", options.share_moments,
                    "several processes share Adam's moments out (ZeRO's first stage): less memory, the same numbers");
  command->add_option("--device", options.device, "auto | cpu | cuda | cuda:N")->capture_default_str();
  command->add_option("--dtype", options.dtype, "precision of matrix products: auto | fp32 | bf16")->capture_default_str();
  command->add_option("--seed", options.seed, "same seed, steps and threads: same weights")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--threads", arguments->threads, "CPU threads (default: OMP_NUM_THREADS, else all cores)")
      ->check(number_between(1, 1e9));
  command->add_flag("--no-resume", arguments->no_resume, "start over although the run folder has a checkpoint");
  command->add_flag("--quiet", arguments->quiet, "print errors and warnings only");
  command->footer(
      "Interrupt it whenever you like: the same command goes on from the last checkpoint. RUN/model is a model folder with the "
      "weights so far; MODEL receives them at the end.");
  command->callback([command, arguments] { run_train(*command, *arguments); });
}

}  // namespace gsv3d
