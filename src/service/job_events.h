// What happens to jobs, told to whoever listens: how far each running one is, and its latest pictures.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace gsv3d {

struct JobProgress {
  std::string stage;
  int64_t step = 0, steps = 1;
  std::optional<double> eta_seconds;  ///< until the whole job is done, once that can be told
};

struct JobEvent {
  std::string type;   ///< "job" or "preview"
  std::string data;   ///< JSON in one line
  bool last = false;  ///< the job has ended
};

class JobEvents {
 public:
  using Listener = std::function<void(const JobEvent&)>;

  /// Calls `listener` for each event of a job from now on, from any thread, until the handle is gone; first of all with the
  /// latest preview, if there is one.
  std::shared_ptr<void> listen(const std::string& id, Listener listener);
  void tell(const std::string& id, const JobEvent& event);
  void set_progress(const std::string& id, const JobProgress& progress);
  /// Called with each progress and preview ("" for none) of running jobs, for other processes; to be set before there is any.
  using Relay = std::function<void(const std::string& id, const JobProgress& progress, const std::string& preview)>;
  void set_relay(Relay relay) { relay_ = std::move(relay); }
  /// As tell() and set_progress(), for what another process told.
  void tell_here(const std::string& id, const JobEvent& event);
  void set_progress_here(const std::string& id, const JobProgress& progress);
  std::optional<JobProgress> progress(const std::string& id) const;
  /// After its last event.
  void forget(const std::string& id);
  int64_t listeners() const;
  /// The jobs that something is kept of.
  std::vector<std::string> known() const;

 private:
  struct Entry {
    std::optional<JobProgress> progress;
    std::optional<JobEvent> preview;
    std::map<int64_t, std::shared_ptr<Listener>> listeners;
  };
  void remove(const std::string& id, int64_t number);

  Relay relay_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> jobs_;
  int64_t next_ = 0;
};

}  // namespace gsv3d
