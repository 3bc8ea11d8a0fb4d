// Where jobs are kept so that they survive the program: an interface, so that one machine (SQLite) and several (PostgreSQL) can
// keep them differently. All functions may be called from any thread and are on disk when they return; they throw
// StoreUnavailable when the store does not answer.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "service/job.h"

namespace gsv3d {

/// The store does not answer, or cannot write; the same call may succeed later.
class StoreUnavailable : public Error {
 public:
  using Error::Error;
};

struct StoreLimits {
  int64_t queued_jobs = 100;
  int64_t bytes = int64_t{10} << 30;  ///< photos and results of all jobs together
};

enum class Submission { kAccepted, kRepeated, kKeyTaken, kQueueFull, kNoSpace };

struct Submitted {
  Submission outcome;
  std::optional<Job> job;  ///< of kAccepted the new one, of kRepeated the earlier one with the same key and request
};

/// What a process is told of the jobs that it says it works on.
struct Heartbeat {
  std::vector<std::string> cancelled;  ///< clients asked to stop these
  std::vector<std::string> lost;       ///< these are not its own any more: they were taken for abandoned
};

/// `attempt` of some functions: a job as take() gave it. They do nothing when another attempt has been begun since.
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Puts a job into the queue, or says why not. Two requests with one idempotency key make one job.
  virtual Submitted submit(const Job& job, const StoreLimits& limits) = 0;
  virtual std::optional<Job> find(const std::string& id) = 0;
  /// The newest first: at most `count` jobs older than sequence `before` (0: all), of one state if given.
  virtual std::vector<Job> list(int64_t count, int64_t before, std::optional<JobState> state) = 0;
  virtual std::map<JobState, int64_t> counts() = 0;
  virtual int64_t stored_bytes() = 0;

  /// The oldest queued job becomes running, for one caller.
  virtual std::optional<Job> take() = 0;
  /// An attempt ends; false when it is not the running one.
  virtual bool finish(const Job& attempt, JobState state, const std::string& error, int64_t result_bytes) = 0;
  /// A job that nobody works on any more waits again, before younger ones; false when the attempt is not the running one.
  virtual bool requeue(const Job& attempt) = 0;
  /// This process works on these attempts; to be said every second or so.
  virtual Heartbeat beat(const std::vector<Job>& attempts) = 0;
  /// Running jobs that nobody works on: those that the program's last run left, or a process that does not say its heartbeat.
  virtual std::vector<Job> abandoned() = 0;
  /// A queued job is cancelled at once, a running one is marked. → The job as it is then; nothing when there is none.
  virtual std::optional<Job> cancel(const std::string& id) = 0;
  /// Forgets a finished job; false when there is none of this id.
  virtual bool remove(const std::string& id) = 0;
  /// A job's results have become so many bytes larger; false when there is no finished job of this id.
  virtual bool add_result_bytes(const std::string& id, int64_t bytes) = 0;
  /// Finished jobs that ended before then.
  virtual std::vector<std::string> finished_before(int64_t milliseconds) = 0;
  /// Whether other processes may use the store, and the files beside it, at the same time.
  virtual bool is_shared() const = 0;
  /// Throws when the store does not answer.
  virtual void check() = 0;
};

}  // namespace gsv3d
