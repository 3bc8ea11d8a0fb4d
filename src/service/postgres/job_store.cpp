#include "service/postgres/job_store.h"

#include "core/atomic_file.h"

namespace gsv3d {
namespace {

constexpr int64_t schema_version = 1;

// The progress of running jobs need not survive the database's end: an unlogged table costs no write-ahead log.
constexpr const char* schema = R"(
CREATE TABLE gsv3d_service (version BIGINT NOT NULL, folder TEXT NOT NULL, folder_is_chosen BOOLEAN NOT NULL DEFAULT false);
CREATE TABLE gsv3d_jobs (
  sequence BIGSERIAL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  created_ms BIGINT NOT NULL,
  started_ms BIGINT NOT NULL DEFAULT 0,
  finished_ms BIGINT NOT NULL DEFAULT 0,
  attempts BIGINT NOT NULL DEFAULT 0,
  photo_name TEXT NOT NULL,
  options TEXT NOT NULL,
  photos BIGINT NOT NULL,
  input_bytes BIGINT NOT NULL,
  result_bytes BIGINT NOT NULL DEFAULT 0,
  cancel_requested BOOLEAN NOT NULL DEFAULT false,
  error TEXT NOT NULL DEFAULT '',
  idempotency_key TEXT UNIQUE,
  request_fingerprint TEXT NOT NULL,
  heartbeat TIMESTAMPTZ
);
CREATE INDEX gsv3d_jobs_by_state ON gsv3d_jobs (state, sequence);
CREATE UNLOGGED TABLE gsv3d_progress (
  id TEXT PRIMARY KEY REFERENCES gsv3d_jobs (id) ON DELETE CASCADE, progress TEXT NOT NULL, preview TEXT);
)";

#define GSV3D_JOB_COLUMNS                                                                                          \
  "sequence, id, state, created_ms, started_ms, finished_ms, attempts, photo_name, options, photos, input_bytes, " \
  "result_bytes, cancel_requested::int, error, idempotency_key, request_fingerprint"
constexpr const char* select_by_id = "SELECT " GSV3D_JOB_COLUMNS " FROM gsv3d_jobs WHERE id = $1";
// One process at a time makes tables, and one request at a time is compared with the limits.
constexpr const char* lock_schema = "SELECT pg_advisory_xact_lock(6729001)";
constexpr const char* lock_queue = "SELECT pg_advisory_xact_lock(6729002)";

std::string number(int64_t value) {
  return std::to_string(value);
}

Job job_of(const PostgresRows& rows, int row) {
  Job job;
  job.sequence = rows.integer(row, 0);
  job.id = rows.text(row, 1);
  job.state = parse_job_state(rows.text(row, 2));
  job.created_ms = rows.integer(row, 3), job.started_ms = rows.integer(row, 4), job.finished_ms = rows.integer(row, 5);
  job.attempts = rows.integer(row, 6);
  job.photo_name = rows.text(row, 7);
  job.options = parse_json(rows.text(row, 8), "database: options");
  job.photos = rows.integer(row, 9);
  job.input_bytes = rows.integer(row, 10), job.result_bytes = rows.integer(row, 11);
  job.cancel_requested = rows.integer(row, 12) != 0;
  job.error = rows.text(row, 13);
  if (!rows.is_null(row, 14)) job.idempotency_key = rows.text(row, 14);
  job.request_fingerprint = rows.text(row, 15);
  return job;
}

std::vector<Job> all_of(const PostgresRows& rows) {
  std::vector<Job> jobs;
  for (int row = 0; row < rows.count(); ++row) jobs.push_back(job_of(rows, row));
  return jobs;
}

/// Commits at the end, rolls back when it is left before.
class Transaction {
 public:
  explicit Transaction(PostgresConnection& connection) : connection_(connection) { connection_.run("BEGIN"); }
  ~Transaction() {
    if (committed_) return;
    try {
      if (connection_.is_connected()) connection_.run("ROLLBACK");
    } catch (const Error&) {
      connection_.disconnect();
    }
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    connection_.run("COMMIT");
    committed_ = true;
  }

 private:
  PostgresConnection& connection_;
  bool committed_ = false;
};

void notify(PostgresConnection& connection, const std::string& text) {
  connection.run("SELECT pg_notify($1, $2)", {postgres_channel, text});
}

}  // namespace

template <class Work>
auto PostgresJobStore::with_connection(const Work& work) {
  const std::lock_guard lock(mutex_);
  try {
    return work();
  } catch (const StoreUnavailable&) {
    if (connection_.is_connected()) throw;  // the database's answer, not the connection's end
  }
  return work();
}

PostgresJobStore::PostgresJobStore(const std::string& address, std::chrono::milliseconds silence)
    : silence_(silence), connection_(address) {
  Transaction transaction(connection_);
  connection_.run(lock_schema);
  if (connection_.run("SELECT to_regclass('gsv3d_service')").is_null(0, 0)) {
    connection_.run_script(schema);
    connection_.run("INSERT INTO gsv3d_service VALUES ($1, $2)", {number(schema_version), random_identifier()});
  }
  const PostgresRows version = connection_.run("SELECT version FROM gsv3d_service");
  require(version.count() == 1 && version.integer(0, 0) <= schema_version,
          "the database was written by a later version of gsv3d");
  transaction.commit();
}

void PostgresJobStore::check_folder(const JobFiles& files) {
  with_connection([&] {
    Transaction transaction(connection_);
    connection_.run(lock_schema);
    const PostgresRows service = connection_.run("SELECT folder, folder_is_chosen::int FROM gsv3d_service");
    const std::string wanted = service.text(0, 0) + "\n";
    const std::filesystem::path file = files.owner_file();
    const std::string folder = file.parent_path().string();
    std::error_code error;
    const bool is_own = std::filesystem::exists(file, error) && read_file(file, 4096) == wanted;
    if (service.integer(0, 1) != 0) {
      require(is_own, "{} is not the folder of this database's jobs, which all its processes share", folder);
    } else {
      require(is_own || files.is_empty(), "{} holds other jobs: the first process with a new database needs an empty folder",
              folder);
      write_file(file, wanted);
      connection_.run("UPDATE gsv3d_service SET folder_is_chosen = true");
    }
    transaction.commit();
  });
}

std::optional<Job> PostgresJobStore::first_of(const PostgresRows& rows) const {
  if (rows.count() == 0) return {};
  return job_of(rows, 0);
}

Submitted PostgresJobStore::submit(const Job& job, const StoreLimits& limits) {
  return with_connection([&] { return submit_once(job, limits); });
}

Submitted PostgresJobStore::submit_once(const Job& job, const StoreLimits& limits) {
  Transaction transaction(connection_);
  connection_.run(lock_queue);
  // Written already, when the connection was lost with the first answer.
  if (auto same = first_of(connection_.run(select_by_id, {job.id}))) return {Submission::kAccepted, std::move(same)};
  if (job.idempotency_key) {
    auto earlier = first_of(
        connection_.run("SELECT " GSV3D_JOB_COLUMNS " FROM gsv3d_jobs WHERE idempotency_key = $1", {job.idempotency_key}));
    if (earlier) {
      const bool same = earlier->request_fingerprint == job.request_fingerprint;
      return {same ? Submission::kRepeated : Submission::kKeyTaken, std::move(earlier)};
    }
  }
  const auto queued = connection_.run("SELECT count(*) FROM gsv3d_jobs WHERE state = 'queued'");
  if (queued.integer(0, 0) >= limits.queued_jobs) return {Submission::kQueueFull, {}};
  const auto bytes = connection_.run("SELECT sum(input_bytes + result_bytes) FROM gsv3d_jobs");
  if (bytes.integer(0, 0) + job.input_bytes > limits.bytes) return {Submission::kNoSpace, {}};
  connection_.run(
      "INSERT INTO gsv3d_jobs (id, state, created_ms, photo_name, options, photos, input_bytes, request_fingerprint, "
      "idempotency_key) VALUES ($1, 'queued', $2, $3, $4, $5, $6, $7, $8)",
      {job.id, number(job.created_ms), job.photo_name, json_text(job.options), number(job.photos), number(job.input_bytes),
       job.request_fingerprint, job.idempotency_key});
  Submitted submitted{Submission::kAccepted, first_of(connection_.run(select_by_id, {job.id}))};
  notify(connection_, "queued");
  transaction.commit();
  return submitted;
}

std::optional<Job> PostgresJobStore::find(const std::string& id) {
  return with_connection([&] { return first_of(connection_.run(select_by_id, {id})); });
}

std::vector<Job> PostgresJobStore::list(int64_t count, int64_t before, std::optional<JobState> state) {
  std::optional<std::string> name;
  if (state) name = job_state_name(*state);
  return with_connection([&] {
    return all_of(
        connection_.run("SELECT " GSV3D_JOB_COLUMNS
                        " FROM gsv3d_jobs WHERE ($1::bigint = 0 OR sequence < $1::bigint) AND ($2::text IS NULL OR state = "
                        "$2::text) ORDER BY sequence DESC LIMIT $3",
                        {number(before), name, number(count)}));
  });
}

std::map<JobState, int64_t> PostgresJobStore::counts() {
  return with_connection([&] {
    std::map<JobState, int64_t> counts;
    for (int state = 0; state <= static_cast<int>(JobState::kCancelled); ++state) counts[static_cast<JobState>(state)] = 0;
    const PostgresRows rows = connection_.run("SELECT state, count(*) FROM gsv3d_jobs GROUP BY state");
    for (int row = 0; row < rows.count(); ++row) counts[parse_job_state(rows.text(row, 0))] = rows.integer(row, 1);
    return counts;
  });
}

int64_t PostgresJobStore::stored_bytes() {
  return with_connection([&] { return connection_.run("SELECT sum(input_bytes + result_bytes) FROM gsv3d_jobs").integer(0, 0); });
}

std::optional<Job> PostgresJobStore::take() {
  return with_connection([&] {
    return first_of(connection_.run(
        "UPDATE gsv3d_jobs SET state = 'running', started_ms = $1, attempts = attempts + 1, heartbeat = clock_timestamp() WHERE "
        "sequence = (SELECT sequence FROM gsv3d_jobs WHERE state = 'queued' ORDER BY sequence LIMIT 1 FOR UPDATE SKIP LOCKED) "
        "RETURNING " GSV3D_JOB_COLUMNS,
        {number(now_milliseconds())}));
  });
}

bool PostgresJobStore::finish(const Job& attempt, JobState state, const std::string& error, int64_t result_bytes) {
  return with_connection([&] {
    return connection_
               .run(
                   "WITH ended AS (UPDATE gsv3d_jobs SET state = $3, error = $4, result_bytes = $5, finished_ms = $6 WHERE id = "
                   "$1 "
                   "AND attempts = $2 AND state = 'running' RETURNING id), "
                   "gone AS (DELETE FROM gsv3d_progress WHERE id IN (SELECT id FROM ended)) "
                   "SELECT pg_notify($7, 'changed ' || id) FROM ended",
                   {attempt.id, number(attempt.attempts), job_state_name(state), error, number(result_bytes),
                    number(now_milliseconds()), postgres_channel})
               .count() == 1;
  });
}

bool PostgresJobStore::requeue(const Job& attempt) {
  return with_connection([&] {
    return connection_
               .run(
                   "WITH waiting AS (UPDATE gsv3d_jobs SET state = 'queued', started_ms = 0 WHERE id = $1 AND attempts = $2 AND "
                   "state = 'running' RETURNING id), "
                   "gone AS (DELETE FROM gsv3d_progress WHERE id IN (SELECT id FROM waiting)) "
                   "SELECT pg_notify($3, 'changed ' || id), pg_notify($3, 'queued') FROM waiting",
                   {attempt.id, number(attempt.attempts), postgres_channel})
               .count() == 1;
  });
}

Heartbeat PostgresJobStore::beat(const std::vector<Job>& attempts) {
  return with_connection([&] {
    Heartbeat heartbeat;
    for (const Job& attempt : attempts) {
      const PostgresRows rows = connection_.run(
          "UPDATE gsv3d_jobs SET heartbeat = clock_timestamp() WHERE id = $1 AND attempts = $2 AND state = 'running' RETURNING "
          "cancel_requested::int",
          {attempt.id, number(attempt.attempts)});
      if (rows.count() == 0)
        heartbeat.lost.push_back(attempt.id);
      else if (rows.integer(0, 0) != 0)
        heartbeat.cancelled.push_back(attempt.id);
    }
    return heartbeat;
  });
}

std::vector<Job> PostgresJobStore::abandoned() {
  return with_connection([&] {
    return all_of(connection_.run("SELECT " GSV3D_JOB_COLUMNS
                                  " FROM gsv3d_jobs WHERE state = 'running' AND heartbeat < clock_timestamp() - $1::bigint * "
                                  "interval '1 millisecond' ORDER BY sequence",
                                  {number(silence_.count())}));
  });
}

std::optional<Job> PostgresJobStore::cancel(const std::string& id) {
  return with_connection([&] {
    Transaction transaction(connection_);
    connection_.run("SELECT id FROM gsv3d_jobs WHERE id = $1 FOR UPDATE", {id});
    connection_.run(
        "WITH ended AS (UPDATE gsv3d_jobs SET state = 'cancelled', cancel_requested = true, finished_ms = $2 WHERE id = $1 AND "
        "state = 'queued' RETURNING id) SELECT pg_notify($3, 'changed ' || id) FROM ended",
        {id, number(now_milliseconds()), postgres_channel});
    connection_.run(
        "WITH marked AS (UPDATE gsv3d_jobs SET cancel_requested = true WHERE id = $1 AND state = 'running' RETURNING id) SELECT "
        "pg_notify($2, 'stop ' || id) FROM marked",
        {id, postgres_channel});
    auto job = first_of(connection_.run(select_by_id, {id}));
    transaction.commit();
    return job;
  });
}

bool PostgresJobStore::remove(const std::string& id) {
  return with_connection([&] {
    return connection_.run("DELETE FROM gsv3d_jobs WHERE id = $1 AND state NOT IN ('queued', 'running') RETURNING id", {id})
               .count() == 1;
  });
}

bool PostgresJobStore::add_result_bytes(const std::string& id, int64_t bytes) {
  return with_connection([&] {
    return connection_
               .run(
                   "UPDATE gsv3d_jobs SET result_bytes = result_bytes + $2::bigint WHERE id = $1 AND state NOT IN ('queued', "
                   "'running') RETURNING id",
                   {id, number(bytes)})
               .count() == 1;
  });
}

std::vector<std::string> PostgresJobStore::finished_before(int64_t milliseconds) {
  return with_connection([&] {
    const PostgresRows rows =
        connection_.run("SELECT id FROM gsv3d_jobs WHERE finished_ms > 0 AND finished_ms < $1", {number(milliseconds)});
    std::vector<std::string> ids;
    for (int row = 0; row < rows.count(); ++row) ids.push_back(rows.text(row, 0));
    return ids;
  });
}

void PostgresJobStore::check() {
  with_connection([&] { return connection_.run("SELECT version FROM gsv3d_service").count(); });
}

}  // namespace gsv3d
