#include "training/orbit_store.h"

#include <omp.h>

#include "core/error.h"

namespace gsv3d {

OrbitStore::OrbitStore(int64_t most_bytes, bool with_depth, int threads) : most_bytes_(most_bytes), with_depth_(with_depth) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

OrbitStore::~OrbitStore() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void OrbitStore::add(SamplePlace place, int64_t bytes) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({std::move(place), bytes, nullptr, {}, false});
}

/// Drops what was not used for longest. The mutex is held.
void OrbitStore::keep(int64_t orbit, std::shared_ptr<const Pictures> pictures) {
  Entry& entry = entries_[static_cast<size_t>(orbit)];
  entry.pictures = std::move(pictures);
  used_.push_front(orbit);
  entry.used = used_.begin();
  bytes_ += entry.bytes;
  while (bytes_ > most_bytes_ && used_.size() > 1) {
    Entry& oldest = entries_[static_cast<size_t>(used_.back())];
    oldest.pictures.reset();
    bytes_ -= oldest.bytes;
    used_.pop_back();
  }
}

/// Lets go of the mutex meanwhile.
void OrbitStore::read(std::unique_lock<std::mutex>& lock, int64_t orbit) {
  Entry& entry = entries_[static_cast<size_t>(orbit)];
  const SamplePlace place = entry.place;
  entry.reading = true;
  ++reads_;
  lock.unlock();
  std::shared_ptr<Pictures> pictures;
  std::exception_ptr error;
  try {
    ObjectViews views = read_sample(place, with_depth_);
    pictures = std::make_shared<Pictures>(Pictures{std::move(views.rgba), with_depth_ ? views.depth.to(at::kHalf) : Tensor()});
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  Entry& after = entries_[static_cast<size_t>(orbit)];
  after.reading = false;
  if (pictures) keep(orbit, pictures);
  changed_.notify_all();
  if (error) std::rethrow_exception(error);
}

std::shared_ptr<const OrbitStore::Pictures> OrbitStore::get(int64_t orbit) {
  std::unique_lock lock(mutex_);
  require(orbit >= 0 && orbit < std::ssize(entries_), "orbit {} of {}", orbit, entries_.size());
  const auto entry = [&]() -> Entry& { return entries_[static_cast<size_t>(orbit)]; };
  if (!entry().pictures) ++waits_;
  changed_.wait(lock, [&] { return !entry().reading; });
  if (!entry().pictures) read(lock, orbit);
  used_.splice(used_.begin(), used_, entry().used);
  return entry().pictures;
}

void OrbitStore::prefetch(const std::vector<int64_t>& orbits) {
  {
    const std::lock_guard lock(mutex_);
    wanted_.assign(orbits.begin(), orbits.end());
  }
  changed_.notify_all();
}

/// A thread's life. What cannot be read is read again, and reported, by get().
void OrbitStore::work() {
  omp_set_num_threads(1);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopped_ || !wanted_.empty(); });
    if (stopped_) return;
    const int64_t orbit = wanted_.front();
    wanted_.pop_front();
    const Entry& entry = entries_[static_cast<size_t>(orbit)];
    if (entry.pictures || entry.reading) continue;
    try {
      read(lock, orbit);
    } catch (const std::exception&) {
    }
  }
}

int64_t OrbitStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}
int64_t OrbitStore::reads() const {
  const std::lock_guard lock(mutex_);
  return reads_;
}
int64_t OrbitStore::waits() const {
  const std::lock_guard lock(mutex_);
  return waits_;
}

}  // namespace gsv3d
