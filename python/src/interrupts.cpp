#include "interrupts.h"

#include <csignal>

#include "core/cancel.h"

namespace nb = nanobind;

namespace gsv3d::python {
namespace {

struct sigaction python_action;  // of SIGINT, while a call watches

void on_interrupt(int signal, siginfo_t* info, void* context) {
  request_cancel();
  if (python_action.sa_flags & SA_SIGINFO)
    python_action.sa_sigaction(signal, info, context);
  else
    python_action.sa_handler(signal);
}

bool on_main_thread() {
  const nb::module_ threading = nb::module_::import_("threading");
  return threading.attr("current_thread")().is(threading.attr("main_thread")());
}

bool interrupts_raise() {
  const nb::module_ signal = nb::module_::import_("signal");
  return signal.attr("getsignal")(signal.attr("SIGINT")).is(signal.attr("default_int_handler"));
}

}  // namespace

std::function<void(const std::string&, int64_t, int64_t)> progress_callback(const ProgressFunction& function) {
  // By pointer: std::function copies what it holds, also where the lock is not held. The caller's argument outlives the work.
  return [function = &function](const std::string& stage, int64_t done, int64_t total) {
    const nb::gil_scoped_acquire locked;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!function->is_none()) (*function)(stage.c_str(), done, total);
  };
}

InterruptWatch::InterruptWatch() {
  if (!on_main_thread() || !interrupts_raise()) return;
  struct sigaction ours = {};
  ours.sa_sigaction = on_interrupt;
  ours.sa_flags = SA_SIGINFO | SA_RESTART;
  sigemptyset(&ours.sa_mask);
  if (sigaction(SIGINT, nullptr, &python_action) != 0) return;
  watching_ = sigaction(SIGINT, &ours, nullptr) == 0;
}

InterruptWatch::~InterruptWatch() {
  if (!watching_) return;
  sigaction(SIGINT, &python_action, nullptr);
  clear_cancel();
}

}  // namespace gsv3d::python
