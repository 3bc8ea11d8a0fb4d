// Both ways of keeping jobs, for tests that hold for either.
#pragma once

#include <gtest/gtest.h>

#include "service/sqlite_job_store.h"
#include "temporary_folder.h"
#if GSV3D_WITH_POSTGRESQL
#include "postgres_server.h"
#include "service/postgres/job_store.h"
#endif

namespace gsv3d::testing {

class SqliteStores {
 public:
  static constexpr const char* name = "Sqlite";
  static std::string missing() { return ""; }
  std::unique_ptr<JobStore> open() const { return std::make_unique<SqliteJobStore>(folder_ / "jobs.sqlite"); }
  /// As another process has it, which knows nothing of what the first took. For SQLite that is the next run.
  std::unique_ptr<JobStore> open_other(std::unique_ptr<JobStore>& first) const {
    first.reset();
    return open();
  }
  void set_version(int64_t version) const {
    SqliteDatabase(folder_ / "jobs.sqlite").execute("PRAGMA user_version = " + std::to_string(version));
  }

 private:
  const TemporaryFolder folder_;
};

#if GSV3D_WITH_POSTGRESQL
/// One server for all tests of the program, a database for each.
inline std::string new_database() {
  static PostgresServer server;
  static int number = 0;
  const std::string name = "test" + std::to_string(++number);
  PostgresConnection(server.address()).run(("CREATE DATABASE " + name).c_str());
  return server.address(name);
}

class PostgresStores {
 public:
  static constexpr const char* name = "Postgres";
  static std::string missing() {
    return PostgresServer::programs().empty() ? "PostgreSQL is not installed (apt-get install postgresql)" : "";
  }
  std::unique_ptr<JobStore> open() { return std::make_unique<PostgresJobStore>(address(), std::chrono::hours(1)); }
  /// It takes what is silent for an instant for abandoned.
  std::unique_ptr<JobStore> open_other(std::unique_ptr<JobStore>&) {
    auto store = std::make_unique<PostgresJobStore>(address(), std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return store;
  }
  void set_version(int64_t version) {
    PostgresConnection(address()).run("UPDATE gsv3d_service SET version = $1", {std::to_string(version)});
  }
  const std::string& address() {
    if (address_.empty()) address_ = new_database();
    return address_;
  }

 private:
  std::string address_;
};
using AllStores = ::testing::Types<SqliteStores, PostgresStores>;
#else
using AllStores = ::testing::Types<SqliteStores>;
#endif

inline Job new_job(const std::string& key = "") {
  Job job;
  job.id = random_identifier(), job.created_ms = now_milliseconds(), job.input_bytes = 100;
  job.request_fingerprint = "f";
  if (!key.empty()) job.idempotency_key = key;
  return job;
}

}  // namespace gsv3d::testing
