// gsv3d serve: the HTTP service.
#include "commands.h"

#if GSV3D_WITH_SERVICE
#include <ATen/Parallel.h>

#include "run_options.h"
#include "served_model_options.h"
#include "service/generate_work.h"
#include "service/service.h"
#include "service/sqlite_job_store.h"
#include "service_process.h"
#if GSV3D_WITH_POSTGRESQL
#include "service/postgres/job_store.h"
#include "service/postgres/news.h"
#endif

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct ServeArguments {
  RunOptions run;
  ServedModelOptions models;
  ServiceConfig service;
  DatabaseOptions database;
  fs::path token_file;
  int64_t megabytes = 64, megapixels = 64, disk_gigabytes = 10, keep_days = 30, drain_seconds = 600, request_seconds = 30;
};

/// Jobs in PostgreSQL, when that is asked for, else in SQLite. Throws Error when the folder is not the jobs' own.
std::unique_ptr<JobStore> opened_store(const DatabaseOptions& database, const JobFiles& files) {
  if (database.address.empty()) return std::make_unique<SqliteJobStore>(files.database());
#if GSV3D_WITH_POSTGRESQL
  auto store = std::make_unique<PostgresJobStore>(database.address, std::chrono::seconds(database.dead_seconds));
  store->check_folder(files);
  return store;
#else
  throw UsageError("--database: this program was built without PostgreSQL (GSV3D_WITH_POSTGRESQL)");
#endif
}

void announce(const ServeArguments& arguments, const Service& service) {
  const std::string& address = arguments.service.address;
  const bool six = address.find(':') != std::string::npos;
  fmt::print("gsv3d serve: http://{}:{}/\n", six ? "[" + address + "]" : address, service.port());
  std::fflush(stdout);
  tell_service_manager("READY=1");
}

void serve(Service& service, const JobFiles& files, const ServeArguments& arguments, const EndSignals& signals) {
#if GSV3D_WITH_POSTGRESQL
  std::optional<PostgresNews> news;
  if (const std::string& address = arguments.database.address; !address.empty())
    news.emplace(address, service.store(), files, service.events(), service.runner());
#else
  (void)files;
#endif
  service.start();
#if GSV3D_WITH_POSTGRESQL
  if (news) news->start();
#endif
  announce(arguments, service);
  run_until_ended(service.runner(), signals, [&] { service.drain(std::chrono::seconds(arguments.drain_seconds)); });
  service.stop();
}

void complete(ServeArguments& arguments) {
  ServiceConfig& config = arguments.service;
  config.token = given_token(arguments.token_file);
  config.http.body_bytes = static_cast<uint64_t>(arguments.megabytes) << 20;
  config.http.request_time = std::chrono::seconds(arguments.request_seconds);
  config.photo_pixels = arguments.megapixels << 20;
  config.store.bytes = arguments.disk_gigabytes << 30;
  config.keep = std::chrono::hours(24 * arguments.keep_days);
  config.version = GSV3D_VERSION;
  check_service_config(config);
  if (config.workers == 0 && arguments.database.address.empty())
    throw UsageError("--workers 0: nobody would do the jobs; with --database, gsv3d worker does");
  if (config.data.empty()) config.data = default_data_folder();
}

void run_serve(ServeArguments& arguments) {
  const EndSignals signals;  // before any thread
  arguments.run.apply();
  complete(arguments);
  const ServiceConfig& config = arguments.service;
  ServedModels models(arguments.models.described(arguments.run), arguments.models.most_further);
  JobFiles files(config.data);
  const auto lock = arguments.database.address.empty() ? lock_data_folder(config.data) : nullptr;
  auto store = opened_store(arguments.database, files);
  if (config.workers > 0) (void)models.acquire("");  // without workers, what models say of themselves is enough to take requests
  const int threads = std::max(1, at::get_num_threads() / static_cast<int>(std::max<int64_t>(config.workers, 1)));
  Service service(config, models, std::move(store), files, generate_work(models, files, threads));
  serve(service, files, arguments, signals);
}

}  // namespace

void add_serve_command(CLI::App& app) {
  auto* command = app.add_subcommand("serve", "Make objects from photos over HTTP: jobs, progress, results (docs/serve.md)");
  auto arguments = std::make_shared<ServeArguments>();
  ServeArguments& a = *arguments;
  command->add_option("--address", a.service.address, "address to listen on; others than this machine's own need a token")
      ->check(CLI::ValidIPV4 | CLI::IsMember({"::1", "::"}))
      ->capture_default_str();
  command->add_option("--port", a.service.port, "port; 0: a free one, which is printed")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--data", a.service.data,
                      "folder of jobs and results (default: $XDG_STATE_HOME/gsv3d or ~/.local/state/gsv3d)");
  command->add_option("--token-file", a.token_file, "file with the token that clients must send (default: $GSV3D_TOKEN)")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--allow-origin", a.service.origins, "web page that may use the API, such as https://example.org; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--workers", a.service.workers,
                   "jobs done at a time, with one model in memory; 0: others do them (--database)")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  command->add_option("--queue", a.service.store.queued_jobs, "jobs that may wait")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--max-request-megabytes", a.megabytes, "largest request")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--max-megapixels", a.megapixels, "largest photo")->check(CLI::Range(1, 64))->capture_default_str();
  command->add_option("--max-disk-gigabytes", a.disk_gigabytes, "photos and results of all jobs together")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--request-seconds", a.request_seconds, "time that a client has to send its request")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command->add_option("--keep-days", a.keep_days, "finished jobs are forgotten after so many days; 0: never")
      ->check(CLI::Range(0, 36500))
      ->capture_default_str();
  command->add_option("--drain-seconds", a.drain_seconds, "time that running jobs have to finish after SIGTERM or Ctrl-C")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  a.database.add_to(*command, false);
  a.run.add_to(*command);
  a.models.add_to(*command);
  command->footer(
      "Examples:\n"
      "  gsv3d serve                       http://127.0.0.1:8188/, this machine only\n"
      "  curl -F photo=@cup.jpg http://127.0.0.1:8188/v1/generations\n"
      "  gsv3d serve --also-model large=models/sv3d        jobs choose: curl -F photo=@cup.jpg -F model=large ...\n"
      "  GSV3D_TOKEN=$(openssl rand -hex 32) gsv3d serve --address 0.0.0.0 --workers 2\n"
      "  gsv3d serve --database postgresql://gsv3d@db/gsv3d --data /srv/gsv3d --workers 0");
  command->callback([arguments] { run_serve(*arguments); });
}

}  // namespace gsv3d
#endif
