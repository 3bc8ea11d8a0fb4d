#if GSV3D_WITH_SERVICE
#include "service_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/log.h"

namespace gsv3d {

EndSignals::EndSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  file_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  require(file_ >= 0, "cannot wait for signals");
}

EndSignals::~EndSignals() {
  ::close(file_);
}

bool EndSignals::wait(int milliseconds) const {
  pollfd entry{file_, POLLIN, 0};
  if (::poll(&entry, 1, milliseconds) <= 0) return false;
  signalfd_siginfo info{};
  return ::read(file_, &info, sizeof(info)) == sizeof(info);
}

void tell_service_manager(const std::string& state) {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view path = name ? name : "";
  if (path.size() < 2 || path.size() >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) return;
  std::copy(path.begin(), path.end(), address.sun_path);
  if (path[0] == '@') address.sun_path[0] = '\0';  // Linux's names that are no files
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  (void)::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size()));
  ::close(socket);
}

void run_until_ended(JobRunner& runner, const EndSignals& signals, const std::function<void()>& drain) {
  // cancel_requested: a thread that a library made before all of this may have been given the signal.
  while (!signals.wait(200) && !cancel_requested()) {
  }
  tell_service_manager("STOPPING=1");
  if (const int64_t running = runner.running(); running > 0)
    spdlog::info("{} running jobs are finished before the end; again to stop them (they wait for the next start)", running);
  std::atomic<bool> drained = false;
  std::thread draining([&] {
    drain();
    drained = true;
  });
  while (!drained && !signals.wait(100)) {
  }
  if (!drained) runner.stop_for_restart();
  draining.join();
}

std::string given_token(const std::filesystem::path& file) {
  std::string token;
  if (!file.empty())
    token = read_file(file, 4096);
  else if (const char* text = std::getenv("GSV3D_TOKEN"))
    token = text;
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back()))) token.pop_back();
  return token;
}

std::filesystem::path default_data_folder() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state) return std::filesystem::path(state) / "gsv3d";
  if (const char* home = std::getenv("HOME"); home && *home) return std::filesystem::path(home) / ".local/state/gsv3d";
  throw UsageError("neither XDG_STATE_HOME nor HOME is set: say where jobs are kept with --data");
}

void DatabaseOptions::add_to(CLI::App& command, bool is_required) {
  auto* option = command.add_option("--database", address,
                                    "postgresql://USER@HOST/DATABASE, for workers on several machines; passwords are safe in "
                                    "~/.pgpass or in the variable, not on the command line");
  option->envname("GSV3D_DATABASE");
  if (is_required) option->required();
  command
      .add_option("--dead-seconds", dead_seconds,
                  "with --database: a worker that does not answer for so long is taken for dead, and its jobs begin again")
      ->check(CLI::Range(3, 3600))
      ->capture_default_str();
}

}  // namespace gsv3d
#endif
