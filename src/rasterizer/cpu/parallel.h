// The kernels' one loop over threads.
#pragma once

#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>
#endif

namespace gsv3d::splat_cpu {

#if defined(__SANITIZE_THREAD__)

/// The thread sanitizer does not see libgomp's barriers and would report every loop: it gets threads that it understands, and
/// always several, so that the rest of the program may be held to one.
template <class Work>
void parallel_for(int64_t count, int64_t grain, int /*threads*/, const Work& work) {
  constexpr int kThreads = 4;
  std::atomic<int64_t> next = 0;
  std::vector<std::thread> team;
  for (int t = 0; t < kThreads; ++t) {
    team.emplace_back([&] {
      for (int64_t begin = next.fetch_add(grain); begin < count; begin = next.fetch_add(grain))
        for (int64_t i = begin; i < std::min(begin + grain, count); ++i) work(i);
    });
  }
  for (auto& thread : team) thread.join();
}

#else

/// work(i) for 0 ≤ i < count on `threads` threads, which take `grain` at a time.
template <class Work>
void parallel_for(int64_t count, [[maybe_unused]] int64_t grain, [[maybe_unused]] int threads, const Work& work) {
  if (threads <= 1) {  // libgomp allocates a team of one for every loop, but keeps larger ones
    for (int64_t i = 0; i < count; ++i) work(i);
    return;
  }
#pragma omp parallel for schedule(dynamic, grain) num_threads(threads)
  for (int64_t i = 0; i < count; ++i) work(i);
}

#endif

}  // namespace gsv3d::splat_cpu
