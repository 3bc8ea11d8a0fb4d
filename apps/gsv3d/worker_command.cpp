// gsv3d worker: does the jobs of a service on another machine.
#include "commands.h"

#if GSV3D_WITH_POSTGRESQL
#include <ATen/Parallel.h>

#include "run_options.h"
#include "served_model_options.h"
#include "service/generate_work.h"
#include "service/postgres/job_store.h"
#include "service/postgres/news.h"
#include "service_process.h"

namespace gsv3d {
namespace {

struct WorkerArguments {
  RunOptions run;
  ServedModelOptions models;
  DatabaseOptions database;
  std::filesystem::path data;
  int64_t workers = 1, drain_seconds = 600;
};

void run_worker(const WorkerArguments& arguments) {
  const EndSignals signals;  // before any thread
  arguments.run.apply();
  JobFiles files(arguments.data);
  PostgresJobStore store(arguments.database.address, std::chrono::seconds(arguments.database.dead_seconds));
  store.check_folder(files);
  ServedModels models(arguments.models.described(arguments.run), arguments.models.most_further);
  (void)models.acquire("");
  const int threads = std::max(1, at::get_num_threads() / static_cast<int>(arguments.workers));
  JobEvents events;
  JobRunner runner(store, files, events, generate_work(models, files, threads));
  PostgresNews news(arguments.database.address, store, files, events, runner);
  runner.start(arguments.workers);
  news.start();
  std::string names;
  for (const ServedModel& model : models.all()) names += (names.empty() ? "" : ", ") + model.config.name;
  fmt::print("gsv3d worker: takes jobs with model {}\n", names);
  std::fflush(stdout);
  tell_service_manager("READY=1");
  run_until_ended(runner, signals, [&] { runner.drain(std::chrono::seconds(arguments.drain_seconds)); });
}

}  // namespace

void add_worker_command(CLI::App& app) {
  auto* command =
      app.add_subcommand("worker", "Do the jobs of `gsv3d serve --database` on another machine, or beside it (docs/serve.md)");
  auto arguments = std::make_shared<WorkerArguments>();
  WorkerArguments& a = *arguments;
  a.database.add_to(*command, true);
  command->add_option("--data", a.data, "the folder of photos and results that all processes share (gsv3d serve --data)")
      ->required();
  command->add_option("--workers", a.workers, "jobs done at a time, with one model in memory")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--drain-seconds", a.drain_seconds, "time that running jobs have to finish after SIGTERM or Ctrl-C")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  a.run.add_to(*command);
  a.models.add_to(*command);
  command->footer(
      "Example:\n"
      "  gsv3d worker --database postgresql://gsv3d@db/gsv3d --data /srv/gsv3d --device cuda:0");
  command->callback([arguments] { run_worker(*arguments); });
}

}  // namespace gsv3d
#endif
