// Jobs in one SQLite file: the store of one machine.
#pragma once

#include <memory>
#include <mutex>
#include <set>

#include "service/job_store.h"
#include "service/sqlite_database.h"

namespace gsv3d {

class SqliteJobStore : public JobStore {
 public:
  /// Throws Error when the file cannot be used or was written by a later version.
  explicit SqliteJobStore(const std::filesystem::path& path);

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
  bool is_shared() const override { return false; }
  void check() override;

 private:
  std::optional<Job> found(const std::string& condition, const std::string& value);
  void insert(const Job& job);

  std::mutex mutex_;
  SqliteDatabase database_;
  std::set<std::string> taken_;  ///< by this process, so not abandoned
};

}  // namespace gsv3d
