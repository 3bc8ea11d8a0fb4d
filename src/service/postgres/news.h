// What processes that share a database tell each other (LISTEN and NOTIFY): a job waits, a client cancels one, one has ended; and
// how far running ones are, with pictures, through a table. One thread with a connection of its own; while the database does not
// answer, work goes on, and what was missed is looked up when it answers again.
#pragma once

#include <map>
#include <thread>

#include "service/job_runner.h"
#include "service/postgres/connection.h"

namespace gsv3d {

class PostgresNews {
 public:
  /// Takes over the relay of the events, so before the runner starts. All must outlive it.
  PostgresNews(const std::string& address, JobStore& store, const JobFiles& files, JobEvents& events, JobRunner& runner);
  ~PostgresNews();
  PostgresNews(const PostgresNews&) = delete;
  PostgresNews& operator=(const PostgresNews&) = delete;

  void start();
  /// How often it connected, for tests.
  int64_t connections() const { return connections_; }

 private:
  struct Pending {
    std::string progress;
    std::optional<std::string> preview;
  };
  void publish(const std::string& id, const JobProgress& progress, const std::string& preview);
  void loop();
  void listen();
  void catch_up();
  void write_pending();
  void handle(const PostgresConnection::Notification& notification);
  void tell_state(const std::string& id);
  void tell_progress(const std::string& id, bool with_preview);
  void wait();

  PostgresConnection connection_;
  JobStore& store_;
  const JobFiles& files_;
  JobEvents& events_;
  JobRunner& runner_;
  std::mutex mutex_;
  std::map<std::string, Pending> pending_;  ///< the latest of each job
  std::chrono::steady_clock::time_point written_ = {};
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> connections_ = 0;
  int wake_ = -1;  ///< an eventfd
  std::thread thread_;
};

}  // namespace gsv3d
