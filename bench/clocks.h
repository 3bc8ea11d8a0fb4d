// Clocks for machines that are shared: wall time, and the processor time of each thread, which other programs disturb less.
#pragma once

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <numeric>
#include <vector>

namespace gsv3d {

inline double clock_milliseconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

/// Processor time of every thread of the team that OpenMP loops of `threads` threads run on, ms.
inline std::vector<double> thread_clocks(int threads) {
  std::vector<double> clocks(threads);
#pragma omp parallel num_threads(threads)
  clocks[omp_get_thread_num()] = clock_milliseconds(CLOCK_THREAD_CPUTIME_ID);
  return clocks;
}

/// What one call took, ms. `busiest` is the processor time of the thread that worked longest: the wall time of a machine that
/// does nothing else.
struct Elapsed {
  double wall = 0, processor = 0, busiest = 0;
};

template <class Work>
Elapsed time_once(int threads, const Work& work) {
  const auto before = thread_clocks(threads);
  const double wall = clock_milliseconds(CLOCK_MONOTONIC);
  work();
  Elapsed elapsed = {.wall = clock_milliseconds(CLOCK_MONOTONIC) - wall};
  const auto after = thread_clocks(threads);
  for (int i = 0; i < threads; ++i) {
    elapsed.processor += after[i] - before[i];
    elapsed.busiest = std::max(elapsed.busiest, after[i] - before[i]);
  }
  return elapsed;
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace gsv3d
