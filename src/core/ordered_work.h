// Many independent pieces of work on all cores, their results taken in order: objects to pack, objects to render.
#pragma once

#include <ATen/Parallel.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace gsv3d {

/// make(i) runs on at::get_num_threads() threads, each of which uses no further ones, at most a few pieces ahead of take(i,
/// result), which is called on this thread for i = 0, 1, …, count - 1. What either throws ends the work and is thrown here; a
/// piece that fails throws where its turn comes. With one thread everything happens on this one.
template <class Make, class Take>
void ordered_work(int64_t count, const Make& make, const Take& take) {
  using Result = decltype(make(int64_t{}));
  const auto threads = std::min<int64_t>(at::get_num_threads(), count);
  if (threads <= 1) {
    for (int64_t i = 0; i < count; ++i) take(i, make(i));
    return;
  }
  struct Done {
    std::optional<Result> result;
    std::exception_ptr error;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int64_t, Done> done;
  int64_t next = 0, taken = 0;
  bool stop = false;
  const int64_t ahead = 3 * threads;  // bounds the memory of results that wait for a slow piece before them
  const auto work = [&] {
    omp_set_num_threads(1);
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stop || next >= count || next < taken + ahead; });
      if (stop || next >= count) return;
      const int64_t i = next++;
      lock.unlock();
      Done piece;
      try {
        piece.result.emplace(make(i));
      } catch (...) {
        piece.error = std::current_exception();
      }
      lock.lock();
      done.emplace(i, std::move(piece));
      changed.notify_all();
    }
  };
  std::vector<std::thread> workers;
  struct Joiner {
    std::vector<std::thread>& workers;
    std::mutex& mutex;
    std::condition_variable& changed;
    bool& stop;
    ~Joiner() {
      {
        const std::lock_guard lock(mutex);
        stop = true;
      }
      changed.notify_all();
      for (std::thread& worker : workers) worker.join();
    }
  } const joiner{workers, mutex, changed, stop};
  for (int64_t i = 0; i < threads; ++i) workers.emplace_back(work);
  for (int64_t i = 0; i < count; ++i) {
    Done piece;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return done.contains(i); });
      piece = std::move(done.extract(i).mapped());
      taken = i + 1;
    }
    changed.notify_all();
    if (piece.error) std::rethrow_exception(piece.error);
    take(i, std::move(*piece.result));
  }
}

}  // namespace gsv3d
