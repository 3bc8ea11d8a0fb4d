// The workers: each takes a job from the store, does it, and writes down how it ended. Jobs that were abandoned in the middle, by
// the program's last run or by another process, are begun again, finished, or given up with a reason.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "image/image.h"
#include "service/job_events.h"
#include "service/job_files.h"
#include "service/job_store.h"

namespace gsv3d {

/// What the work of a job tells while it runs.
class JobReport {
 public:
  JobReport(const Job& job, JobEvents& events, const JobFiles& files) : job_(job), events_(events), files_(files) {}
  /// Clients are told at most ten times per second, and of each new stage.
  void progress(const std::string& stage, int64_t done, int64_t total);
  /// The views so far, side by side in one picture.
  void preview(const Image& strip, int64_t views, int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  const Job& job_;
  JobEvents& events_;
  const JobFiles& files_;
  std::string stage_;
  Clock::time_point stage_start_ = Clock::now(), told_ = {}, pictured_ = {};
};

/// Leaves the results in their place, or throws: Cancelled when it was stopped.
using JobWork = std::function<void(const Job& job, JobReport& report)>;

struct RunnerCounts {
  std::atomic<int64_t> succeeded = 0, failed = 0, cancelled = 0, milliseconds = 0;
};

class JobRunner {
 public:
  JobRunner(JobStore& store, const JobFiles& files, JobEvents& events, JobWork work);
  /// Stops the work in the middle, as drain(0 s) does.
  ~JobRunner();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  /// A job that ended the program this often is given up.
  static constexpr int64_t most_attempts = 3;

  /// Settles what was abandoned, now and from time to time, and starts the workers; none: others do the jobs.
  void start(int64_t workers);
  /// There is a new job.
  void wake();
  /// A running job stops at its next check. The store has been told already.
  void stop(const std::string& id);
  /// Takes no further jobs. Running ones have until then to end; what is left is stopped, and waits for the next start.
  void drain(std::chrono::milliseconds time);
  /// Stops the running jobs now; they wait for the next start.
  void stop_for_restart();
  int64_t running() const;
  const RunnerCounts& counts() const { return counts_; }

 private:
  struct Running {
    Job job;
    std::atomic<bool> stop = false;
    std::atomic<bool> by_client = false;
  };
  void settle_abandoned();
  void work_loop();
  void keep_loop();
  void beat();
  void run(Running& running);
  void give_back(const Job& job);
  void finish(const Job& job, JobState state, const std::string& error);

  JobStore& store_;
  const JobFiles& files_;
  JobEvents& events_;
  JobWork work_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Running>> running_;
  bool draining_ = false, stopped_ = false;
  int64_t wakes_ = 0;
  std::vector<std::thread> workers_;
  std::thread keeper_;  ///< says the heartbeat of what runs here, and settles what nobody works on
  RunnerCounts counts_;
};

}  // namespace gsv3d
