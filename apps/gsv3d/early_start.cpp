// What must happen before the libraries begin, whose start takes a good part of a second: waiting threads sleep, and Ctrl-C ends
// the program as it does later.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "core/cancel.h"

namespace gsv3d {
namespace {

/// OpenMP's threads wait for each other by spinning unless told otherwise; beside other work a photo then took 79 s instead of 8.
/// libgomp reads the environment before main, so the program starts itself once more. Users who set either variable decide.
void start_with_threads_that_sleep(char** arguments, char** environment) {
  std::array<char*, 2048> more;
  size_t count = 0;
  for (; environment[count]; ++count) {
    const std::string_view entry = environment[count];
    if (entry.starts_with("OMP_WAIT_POLICY=") || entry.starts_with("GOMP_SPINCOUNT=") || count + 3 > more.size()) return;
    more[count] = environment[count];
  }
  static char policy[] = "OMP_WAIT_POLICY=passive";
  more[count] = policy, more[count + 1] = nullptr;
  std::array<char, 4096> program{};  // by its own name, which "ps" shows
  if (::readlink("/proc/self/exe", program.data(), program.size() - 1) > 0)
    (void)::execve(program.data(), arguments, more.data());  // where it fails, everything works, slower
}

__attribute__((section(".preinit_array"), used)) void (*const early_start)(int, char**, char**) = [](int, char** arguments,
                                                                                                     char** environment) {
  // Blocked signals wait through the second start, until somebody listens.
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&ending, signal);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  start_with_threads_that_sleep(arguments, environment);
  install_cancel_handlers();
  sigprocmask(SIG_UNBLOCK, &ending, nullptr);
};

}  // namespace
}  // namespace gsv3d
