#include "training/shard_follower.h"

#include <algorithm>
#include <chrono>

#include "core/cancel.h"
#include "core/error.h"
#include "dataset/shards.h"

namespace gsv3d {
namespace {

constexpr auto kPause = std::chrono::milliseconds(500);

}  // namespace

ShardFollower::ShardFollower(std::vector<DataFolder> folders, bool with_depth, int threads)
    : folders_(std::move(folders)), with_depth_(with_depth) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { read(); });
}

ShardFollower::~ShardFollower() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

/// Finds new shards. The mutex is held.
void ShardFollower::look() {
  bool complete = true;
  for (size_t i = 0; i < folders_.size(); ++i) {
    const std::filesystem::path& path = folders_[i].path;
    std::error_code none;
    // Before the shards are listed: once the list of objects is there, no shard follows.
    const bool file = std::filesystem::is_regular_file(path, none);
    complete = complete && (file || std::filesystem::exists(path / "objects.csv", none));
    std::vector<std::filesystem::path> found;
    if (file) found.push_back(path);
    if (std::filesystem::is_directory(path, none))
      for (const auto& entry : std::filesystem::directory_iterator(path, none))
        if (entry.path().extension() == ".tar") found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    for (const auto& shard : found)
      if (known_.insert(shard).second) waiting_.push_back({shard, i});
  }
  complete_ = complete;
}

/// Waits for a shard to read. → false when there will be none.
bool ShardFollower::next(std::unique_lock<std::mutex>& lock, Shard& shard) {
  while (!stopped_ && !error_) {
    if (waiting_.empty() && !complete_) look();
    if (!waiting_.empty()) {
      shard = waiting_.front();
      waiting_.erase(waiting_.begin());
      return true;
    }
    if (complete_) return false;
    changed_.wait_for(lock, kPause, [this] { return stopped_; });
  }
  return false;
}

/// A thread's work: whatever goes wrong in it is thrown by extend().
void ShardFollower::read() {
  std::unique_lock lock(mutex_);
  try {
    read_all(lock);
  } catch (...) {  // in look(), with the mutex held: a folder went away, say
    error_ = std::current_exception();
  }
  changed_.notify_all();
}

void ShardFollower::read_all(std::unique_lock<std::mutex>& lock) {
  for (Shard shard; next(lock, shard);) {
    ++reading_;
    lock.unlock();
    std::vector<ObjectViews> orbits;
    std::exception_ptr error;
    try {
      read_shards({shard.path}, [&](ObjectViews views) {
        views.depth = with_depth_ ? views.depth.to(at::kHalf) : Tensor();
        orbits.push_back(std::move(views));
      });
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --reading_;
    auto& ready = ready_[shard.folder];
    std::move(orbits.begin(), orbits.end(), std::back_inserter(ready));
    if (error) error_ = error;
    changed_.notify_all();
  }
}

int64_t ShardFollower::extend(TrainingSet& set) {
  std::map<size_t, std::vector<ObjectViews>> ready;
  {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
    ready.swap(ready_);
  }
  int64_t count = 0;
  for (auto& [folder, orbits] : ready) {
    count += static_cast<int64_t>(orbits.size());
    set.append(std::move(orbits), folder);
  }
  return count;
}

void ShardFollower::wait() {
  std::unique_lock lock(mutex_);
  const auto something = [this] {
    for (const auto& [folder, orbits] : ready_)
      if (!orbits.empty()) return true;
    return error_ || (complete_ && waiting_.empty() && reading_ == 0);
  };
  while (!changed_.wait_for(lock, kPause, something)) throw_if_cancelled();
}

bool ShardFollower::finished() const {
  const std::lock_guard lock(mutex_);
  return complete_ && waiting_.empty() && reading_ == 0 && ready_.empty();
}

}  // namespace gsv3d
