// Jobs in PostgreSQL: the store of several machines. Any number of processes take jobs from it, each for itself (FOR UPDATE SKIP
// LOCKED), and say every second that they still work on them; a job whose process is silent for too long is abandoned. Times of
// heartbeats are the database's, so that the machines' clocks do not matter.
#pragma once

#include <chrono>
#include <mutex>

#include "service/job_files.h"
#include "service/job_store.h"
#include "service/postgres/connection.h"

namespace gsv3d {

/// The channel of LISTEN and NOTIFY. Texts: "queued"; "stop ID" (a client cancels a running job); "changed ID" (another state);
/// "progress ID" and "preview ID" (rows of gsv3d_progress).
inline constexpr const char* postgres_channel = "gsv3d";

class PostgresJobStore : public JobStore {
 public:
  /// Makes the tables where there are none. `silence`: after which a process is taken for dead. Throws StoreUnavailable, and
  /// Error for a database of a later version.
  PostgresJobStore(const std::string& address, std::chrono::milliseconds silence);

  /// Throws Error when the folder is not the one that others with this database use: a file in it says which it belongs to.
  void check_folder(const JobFiles& files);

  Submitted submit(const Job& job, const StoreLimits& limits) override;
  std::optional<Job> find(const std::string& id) override;
  std::vector<Job> list(int64_t count, int64_t before, std::optional<JobState> state) override;
  std::map<JobState, int64_t> counts() override;
  int64_t stored_bytes() override;
  std::optional<Job> take() override;
  bool finish(const Job& attempt, JobState state, const std::string& error, int64_t result_bytes) override;
  bool requeue(const Job& attempt) override;
  Heartbeat beat(const std::vector<Job>& attempts) override;
  std::vector<Job> abandoned() override;
  std::optional<Job> cancel(const std::string& id) override;
  bool remove(const std::string& id) override;
  bool add_result_bytes(const std::string& id, int64_t bytes) override;
  std::vector<std::string> finished_before(int64_t milliseconds) override;
  bool is_shared() const override { return true; }
  void check() override;

 private:
  /// Runs `work` with the connection, and once more when it was lost: every use can be repeated.
  template <class Work>
  auto with_connection(const Work& work);
  Submitted submit_once(const Job& job, const StoreLimits& limits);
  std::optional<Job> first_of(const PostgresRows& rows) const;

  std::chrono::milliseconds silence_;
  std::mutex mutex_;
  PostgresConnection connection_;
};

}  // namespace gsv3d
