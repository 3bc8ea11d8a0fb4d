// Orbits of a set that is larger than memory: read from their shards when they are drawn, those used last kept, and those of the
// next draw read ahead by threads. What is drawn does not depend on it, so a run goes on at the exact sample.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "dataset/shards.h"

namespace gsv3d {

class OrbitStore {
 public:
  /// Keeps about `most_bytes` of pictures and depth, the most recently used, and at least one orbit.
  OrbitStore(int64_t most_bytes, bool with_depth, int threads = 2);
  ~OrbitStore();
  OrbitStore(const OrbitStore&) = delete;
  OrbitStore& operator=(const OrbitStore&) = delete;

  /// Orbit number 0, 1, …: `bytes` is what it takes when it is read.
  void add(SamplePlace place, int64_t bytes);

  struct Pictures {
    Tensor rgba;   ///< [V, 4, S, S] uint8
    Tensor depth;  ///< [V, S, S] float16; undefined without depth
  };
  /// Waits for a thread that is reading it, or reads it. Throws Error naming shard and sample when it is damaged.
  std::shared_ptr<const Pictures> get(int64_t orbit);
  /// Lets the threads read them.
  void prefetch(const std::vector<int64_t>& orbits);
  /// What is kept now.
  int64_t bytes() const;
  /// How many orbits were read from their shards so far, and how often get() found its orbit missing.
  int64_t reads() const;
  int64_t waits() const;

 private:
  struct Entry {
    SamplePlace place;
    int64_t bytes = 0;
    std::shared_ptr<const Pictures> pictures;
    std::list<int64_t>::iterator used;  // valid while there are pictures
    bool reading = false;
  };
  void work();
  void read(std::unique_lock<std::mutex>& lock, int64_t orbit);
  void keep(int64_t orbit, std::shared_ptr<const Pictures> pictures);

  const int64_t most_bytes_;
  const bool with_depth_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> entries_;
  std::list<int64_t> used_;  // most recently used first
  std::list<int64_t> wanted_;
  int64_t bytes_ = 0, reads_ = 0, waits_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gsv3d
