#include "core/cancel.h"

#include <cerrno>
#include <csignal>
#include <ctime>

#include "core/error.h"

namespace gsv3d {
namespace {

volatile std::sig_atomic_t requested = 0;

volatile std::sig_atomic_t first_second = 0;  // of the monotonic clock

thread_local const std::atomic<bool>* own_stop = nullptr;
thread_local int held = 0;

extern "C" void on_signal(int signal) {
  const int errno_before = errno;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  errno = errno_before;
  // A second Ctrl-C ends the process at once, for work that cannot check often enough. Not one that comes with the first:
  // timeout(1) signals both the process and its group.
  if (!requested) first_second = static_cast<std::sig_atomic_t>(now.tv_sec);
  if (requested && static_cast<std::sig_atomic_t>(now.tv_sec) - first_second >= 2) {
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
  return requested != 0 || (own_stop && own_stop->load(std::memory_order_relaxed));
}

OwnCancel::OwnCancel(const std::atomic<bool>& stop) : before_(own_stop) {
  own_stop = &stop;
}
OwnCancel::~OwnCancel() {
  own_stop = before_;
}

CancelHeld::CancelHeld() {
  ++held;
}
CancelHeld::~CancelHeld() {
  --held;
}

void request_cancel() {
  requested = 1;
}
void clear_cancel() {
  requested = 0;
}

void throw_if_cancelled() {
  if (held == 0 && cancel_requested()) throw Cancelled();
}

}  // namespace gsv3d
