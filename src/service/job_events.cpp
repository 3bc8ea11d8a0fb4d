#include "service/job_events.h"

namespace gsv3d {

std::shared_ptr<void> JobEvents::listen(const std::string& id, Listener listener) {
  std::optional<JobEvent> preview;
  int64_t number = 0;
  const auto shared = std::make_shared<Listener>(std::move(listener));
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = jobs_[id];
    preview = entry.preview;
    entry.listeners[number = next_++] = shared;
  }
  if (preview) (*shared)(*preview);
  return {static_cast<void*>(nullptr), [this, id, number](void*) { remove(id, number); }};
}

void JobEvents::remove(const std::string& id, int64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second.listeners.erase(number);
  if (found->second.listeners.empty() && !found->second.progress) jobs_.erase(found);
}

void JobEvents::tell(const std::string& id, const JobEvent& event) {
  tell_here(id, event);
  if (!relay_ || event.type != "preview") return;
  if (const auto now = progress(id)) relay_(id, *now, event.data);
}

void JobEvents::tell_here(const std::string& id, const JobEvent& event) {
  // Listeners are called without the lock: the last owner of a connection may end in one, and then stops listening.
  std::vector<std::shared_ptr<Listener>> listeners;
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    if (event.type == "preview") found->second.preview = event;
    for (const auto& [number, listener] : found->second.listeners) listeners.push_back(listener);
  }
  for (const auto& listener : listeners) (*listener)(event);
}

void JobEvents::set_progress(const std::string& id, const JobProgress& progress) {
  set_progress_here(id, progress);
  if (relay_) relay_(id, progress, "");
}

void JobEvents::set_progress_here(const std::string& id, const JobProgress& progress) {
  const std::lock_guard lock(mutex_);
  jobs_[id].progress = progress;
}

std::optional<JobProgress> JobEvents::progress(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? std::nullopt : found->second.progress;
}

void JobEvents::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second.progress.reset(), found->second.preview.reset();
  if (found->second.listeners.empty()) jobs_.erase(found);
}

int64_t JobEvents::listeners() const {
  const std::lock_guard lock(mutex_);
  int64_t count = 0;
  for (const auto& [id, entry] : jobs_) count += static_cast<int64_t>(entry.listeners.size());
  return count;
}

std::vector<std::string> JobEvents::known() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, entry] : jobs_) ids.push_back(id);
  return ids;
}

}  // namespace gsv3d
