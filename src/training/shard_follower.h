// Shards that another process is still rendering, read by threads of their own as they appear.
#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "training/training_set.h"

namespace gsv3d {

class ShardFollower {
 public:
  /// Watches folders (or single files). A folder is complete when it holds objects.csv, which "gsv3d data render" writes last;
  /// until then it is looked into twice a second. Folders may not exist yet.
  ShardFollower(std::vector<DataFolder> folders, bool with_depth, int threads = 2);
  ~ShardFollower();
  ShardFollower(const ShardFollower&) = delete;
  ShardFollower& operator=(const ShardFollower&) = delete;

  /// Appends what was read since the last call to the set. → the number of orbits. Throws what a thread threw.
  int64_t extend(TrainingSet& set);
  /// Waits until there is something for extend(), or until every folder is complete. Throws Cancelled after Ctrl-C.
  void wait();
  /// All folders are complete and everything was handed over.
  bool finished() const;

 private:
  struct Shard {
    std::filesystem::path path;
    size_t folder;
  };
  void read();
  void read_all(std::unique_lock<std::mutex>& lock);
  void look();
  bool next(std::unique_lock<std::mutex>& lock, Shard& shard);

  const std::vector<DataFolder> folders_;
  const bool with_depth_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::filesystem::path> known_;
  std::vector<Shard> waiting_;
  std::map<size_t, std::vector<ObjectViews>> ready_;  // by folder
  size_t reading_ = 0;
  bool complete_ = false, stopped_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace gsv3d
