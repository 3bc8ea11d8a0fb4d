// Ctrl-C, SIGTERM and a closed terminal: the first asks the running work to stop at its next check, another one, at least a
// second later, ends the process.
#pragma once

#include <atomic>

namespace gsv3d {

/// Installs the handlers; call once at start.
void install_cancel_handlers();

/// True once SIGINT, SIGTERM, SIGHUP or SIGUSR1 (Slurm's early warning) arrived, or request_cancel() was called; on a thread with
/// an OwnCancel also when that is set.
bool cancel_requested();

/// While it lives, the work of this thread can be stopped by itself: one of several jobs of a process.
class OwnCancel {
 public:
  explicit OwnCancel(const std::atomic<bool>& stop);  ///< must outlive this
  ~OwnCancel();
  OwnCancel(const OwnCancel&) = delete;
  OwnCancel& operator=(const OwnCancel&) = delete;

 private:
  const std::atomic<bool>* before_;
};

/// While it lives, throw_if_cancelled() throws nothing on this thread: for work that is done whole or lost, as a step of
/// training.
class CancelHeld {
 public:
  CancelHeld();
  ~CancelHeld();
  CancelHeld(const CancelHeld&) = delete;
  CancelHeld& operator=(const CancelHeld&) = delete;
};

void request_cancel();
void clear_cancel();

/// Throws Cancelled when cancel_requested(). Long loops call it once per step.
void throw_if_cancelled();

}  // namespace gsv3d
