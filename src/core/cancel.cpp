#include "core/cancel.h"

#include <csignal>

#include "core/error.h"

namespace gsv3d {
namespace {

volatile std::sig_atomic_t requested = 0;

extern "C" void on_signal(int signal) {
  // A second Ctrl-C ends the process at once, for work that cannot check often enough.
  if (requested) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  requested = 1;
}

}  // namespace

void install_cancel_handlers() {
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    // What was started with a signal ignored (nohup, a shell's background job) goes on ignoring it.
    if (std::signal(signal, on_signal) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

bool cancel_requested() {
  return requested != 0;
}
void request_cancel() {
  requested = 1;
}
void clear_cancel() {
  requested = 0;
}

void throw_if_cancelled() {
  if (requested) throw Cancelled();
}

}  // namespace gsv3d
