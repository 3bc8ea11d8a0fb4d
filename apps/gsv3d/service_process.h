// What `gsv3d serve` and `gsv3d worker` share as long-running processes: signals, the service manager, the place of jobs.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "service/job_runner.h"

namespace gsv3d {

/// SIGINT, SIGTERM and SIGHUP as something to wait for, on all threads that are started from now on.
class EndSignals {
 public:
  EndSignals();
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;
  /// True when one came within the time.
  bool wait(int milliseconds) const;

 private:
  int file_ = -1;
};

/// Tells systemd, or whoever set NOTIFY_SOCKET, for example "READY=1" (sd_notify(3)); nothing where there is nobody.
void tell_service_manager(const std::string& state);

/// Waits for a first signal. Then `drain` is run, on a thread, which lets running jobs end; a second signal stops them, so that
/// they wait for the next start.
void run_until_ended(JobRunner& runner, const EndSignals& signals, const std::function<void()>& drain);

/// From the file, or GSV3D_TOKEN; not from the command line, which other users of the machine can read.
std::string given_token(const std::filesystem::path& file);

/// $XDG_STATE_HOME/gsv3d, else ~/.local/state/gsv3d. Throws UsageError when there is neither.
std::filesystem::path default_data_folder();

/// --database and --dead-seconds.
struct DatabaseOptions {
  std::string address;  ///< empty: SQLite
  int64_t dead_seconds = 30;
  void add_to(CLI::App& command, bool is_required);
};

}  // namespace gsv3d
