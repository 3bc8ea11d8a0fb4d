// gsv3d serve: the HTTP service.
#include "commands.h"

#if GSV3D_WITH_SERVICE
#include <ATen/Parallel.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/device.h"
#include "core/log.h"
#include "run_options.h"
#include "service/generate_work.h"
#include "service/service.h"
#include "service/sqlite_job_store.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct ServeArguments {
  RunOptions run;
  ServiceConfig service;
  fs::path token_file;
  int64_t megabytes = 64, megapixels = 64, disk_gigabytes = 10, keep_days = 30, drain_seconds = 600, request_seconds = 30;
};

/// $XDG_STATE_HOME/gsv3d, else ~/.local/state/gsv3d.
fs::path default_data_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state) return fs::path(state) / "gsv3d";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".local/state/gsv3d";
  throw UsageError("neither XDG_STATE_HOME nor HOME is set: say where jobs are kept with --data");
}

/// From the file, or GSV3D_TOKEN; not from the command line, which other users of the machine can read.
std::string given_token(const fs::path& file) {
  std::string token;
  if (!file.empty())
    token = read_file(file, 4096);
  else if (const char* text = std::getenv("GSV3D_TOKEN"))
    token = text;
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back()))) token.pop_back();
  return token;
}

/// SIGINT and SIGTERM as something to wait for, on all threads that are started from now on.
class EndSignals {
 public:
  EndSignals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    file_ = ::signalfd(-1, &set, SFD_CLOEXEC);
    require(file_ >= 0, "cannot wait for signals");
  }
  ~EndSignals() { ::close(file_); }
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;
  /// True when one came within the time.
  bool wait(int milliseconds) const {
    pollfd entry{file_, POLLIN, 0};
    if (::poll(&entry, 1, milliseconds) <= 0) return false;
    signalfd_siginfo info{};
    return ::read(file_, &info, sizeof(info)) == sizeof(info);
  }

 private:
  int file_;
};

void serve(Service& service, const ServeArguments& arguments, const EndSignals& signals) {
  service.start();
  const std::string& address = arguments.service.address;
  const bool six = address.find(':') != std::string::npos;
  fmt::print("gsv3d serve: http://{}:{}/\n", six ? "[" + address + "]" : address, service.port());
  std::fflush(stdout);
  // cancel_requested: a thread that a library made before all of this may have been given the signal.
  while (!signals.wait(200) && !cancel_requested()) {
  }
  const int64_t running = service.runner().running();
  if (running > 0)
    spdlog::info("{} running jobs are finished before the end; again to stop them (they wait for the next start)", running);
  std::atomic<bool> drained = false;
  std::thread draining([&] {
    service.drain(std::chrono::seconds(arguments.drain_seconds));
    drained = true;
  });
  while (!drained && !signals.wait(100)) {
  }
  if (!drained) service.runner().stop_for_restart();
  draining.join();
  service.stop();
}

void run_serve(ServeArguments& arguments) {
  const EndSignals signals;  // before any thread
  arguments.run.apply();
  ServiceConfig& config = arguments.service;
  config.token = given_token(arguments.token_file);
  config.http.body_bytes = static_cast<uint64_t>(arguments.megabytes) << 20;
  config.http.request_time = std::chrono::seconds(arguments.request_seconds);
  config.photo_pixels = arguments.megapixels << 20;
  config.store.bytes = arguments.disk_gigabytes << 30;
  config.keep = std::chrono::hours(24 * arguments.keep_days);
  config.version = GSV3D_VERSION;
  check_service_config(config);
  if (config.data.empty()) config.data = default_data_folder();
  const at::Device device = arguments.run.chosen_device();
  const at::ScalarType dtype = arguments.run.chosen_dtype();
  JobFiles files(config.data);
  const auto lock = lock_data_folder(config.data);
  const Model model = load_model(arguments.run.model_folder(), {device, dtype, true, false});
  require_parts(model, {"vae", "image_embedder", "unet"});
  const int threads = std::max(1, at::get_num_threads() / static_cast<int>(config.workers));
  Service service(config, {model.config, device.str(), dtype_name(dtype), model.distilled},
                  std::make_unique<SqliteJobStore>(files.database()), files, generate_work(model, files, threads));
  serve(service, arguments, signals);
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
  command->add_option("--workers", a.service.workers, "jobs done at a time, with one model in memory")
      ->check(CLI::Range(1, 64))
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
  a.run.add_to(*command);
  command->footer(
      "Examples:\n"
      "  gsv3d serve                       http://127.0.0.1:8188/, this machine only\n"
      "  curl -F photo=@cup.jpg http://127.0.0.1:8188/v1/generations\n"
      "  GSV3D_TOKEN=$(openssl rand -hex 32) gsv3d serve --address 0.0.0.0 --workers 2");
  command->callback([arguments] { run_serve(*arguments); });
}

}  // namespace gsv3d
#endif
