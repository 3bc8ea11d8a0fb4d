// Long calls from Python: they run without the interpreter's lock, report to a Python function, and end at Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <functional>
#include <string>

namespace gsv3d::python {

/// A Python function (stage: str, done: int, total: int), or None.
using ProgressFunction = nanobind::object;

/// What C++ calls as work goes on, without the interpreter's lock: runs Python's pending signal handlers, then `function`. What
/// either raises leaves as nanobind::python_error and ends the work.
std::function<void(const std::string&, int64_t, int64_t)> progress_callback(const ProgressFunction& function);

/// While it lives, Ctrl-C also asks the running C++ work to stop at its next check (core/cancel.h), which may come long before
/// the next call of a progress function. Only on Python's main thread, and only where SIGINT is handled by Python's own
/// KeyboardInterrupt: programs with a handler of their own decide themselves. The interpreter's lock must be held.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  bool watching_ = false;
};

/// Runs `work` without the interpreter's lock. KeyboardInterrupt and what the progress function raised come out as they are.
template <class Work>
auto long_call(const Work& work) {
  const InterruptWatch watch;
  try {
    const nanobind::gil_scoped_release unlocked;
    return work();
  } catch (const nanobind::python_error&) {
    throw;
  } catch (...) {
    if (PyErr_CheckSignals() != 0) throw nanobind::python_error();  // it stopped because of Ctrl-C
    throw;
  }
}

}  // namespace gsv3d::python
