#include "service/sqlite_job_store.h"

namespace gsv3d {
namespace {

constexpr int64_t sqlite_schema_version = 1;

constexpr const char* sqlite_schema = R"(
CREATE TABLE jobs (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  started_ms INTEGER NOT NULL DEFAULT 0,
  finished_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  photo_name TEXT NOT NULL,
  options TEXT NOT NULL,
  photos INTEGER NOT NULL,
  input_bytes INTEGER NOT NULL,
  result_bytes INTEGER NOT NULL DEFAULT 0,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  idempotency_key TEXT UNIQUE,
  request_fingerprint TEXT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs (state, sequence);
PRAGMA user_version = 1;
)";

constexpr const char* select_job =
    "SELECT sequence, id, state, created_ms, started_ms, finished_ms, attempts, photo_name, options, photos, input_bytes, "
    "result_bytes, cancel_requested, error, idempotency_key, request_fingerprint FROM jobs ";

Job job_of(const SqliteStatement& row) {
  Job job;
  job.sequence = row.integer(0);
  job.id = row.text(1);
  job.state = parse_job_state(row.text(2));
  job.created_ms = row.integer(3), job.started_ms = row.integer(4), job.finished_ms = row.integer(5);
  job.attempts = row.integer(6);
  job.photo_name = row.text(7);
  job.options = parse_json(row.text(8), "database: options");
  job.photos = row.integer(9);
  job.input_bytes = row.integer(10), job.result_bytes = row.integer(11);
  job.cancel_requested = row.integer(12) != 0;
  job.error = row.text(13);
  if (!row.is_null(14)) job.idempotency_key = row.text(14);
  job.request_fingerprint = row.text(15);
  return job;
}

std::vector<Job> all_of(SqliteStatement& rows) {
  std::vector<Job> jobs;
  while (rows.step()) jobs.push_back(job_of(rows));
  return jobs;
}

int64_t one_number(SqliteDatabase& database, const std::string& sql) {
  SqliteStatement row(database, sql);
  return row.step() ? row.integer(0) : 0;
}

}  // namespace

SqliteJobStore::SqliteJobStore(const std::filesystem::path& path) : database_(path) {
  database_.transaction([&] {
    const int64_t version = one_number(database_, "PRAGMA user_version");
    require(version <= sqlite_schema_version, "{} was written by a later version of gsv3d", path.string());
    if (version == 0) database_.execute(sqlite_schema);
  });
}

std::optional<Job> SqliteJobStore::found(const std::string& condition, const std::string& value) {
  SqliteStatement row(database_, fmt::format("{}WHERE {} = ?", select_job, condition));
  row.bind(value);
  if (!row.step()) return {};
  return job_of(row);
}

void SqliteJobStore::insert(const Job& job) {
  SqliteStatement row(database_,
                      "INSERT INTO jobs (id, state, created_ms, photo_name, options, photos, input_bytes, request_fingerprint, "
                      "idempotency_key) VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?)");
  row.bind(job.id).bind(job.created_ms).bind(job.photo_name).bind(json_text(job.options)).bind(job.photos);
  row.bind(job.input_bytes).bind(job.request_fingerprint);
  job.idempotency_key ? row.bind(*job.idempotency_key) : row.bind_nothing();
  row.step();
}

Submitted SqliteJobStore::submit(const Job& job, const StoreLimits& limits) {
  const std::lock_guard lock(mutex_);
  Submitted result{Submission::kAccepted, {}};
  database_.transaction([&] {
    if (job.idempotency_key) {
      if (auto earlier = found("idempotency_key", *job.idempotency_key)) {
        const bool same = earlier->request_fingerprint == job.request_fingerprint;
        result = {same ? Submission::kRepeated : Submission::kKeyTaken, std::move(earlier)};
        return;
      }
    }
    if (one_number(database_, "SELECT count(*) FROM jobs WHERE state = 'queued'") >= limits.queued_jobs) {
      result.outcome = Submission::kQueueFull;
    } else if (one_number(database_, "SELECT sum(input_bytes + result_bytes) FROM jobs") + job.input_bytes > limits.bytes) {
      result.outcome = Submission::kNoSpace;
    } else {
      insert(job);
      result.job = found("id", job.id);
    }
  });
  return result;
}

std::optional<Job> SqliteJobStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return found("id", id);
}

std::vector<Job> SqliteJobStore::list(int64_t count, int64_t before, std::optional<JobState> state) {
  const std::lock_guard lock(mutex_);
  std::string where = before > 0 ? "WHERE sequence < ?" : "WHERE sequence > ?";
  if (state) where += " AND state = ?";
  SqliteStatement rows(database_, fmt::format("{}{} ORDER BY sequence DESC LIMIT ?", select_job, where));
  rows.bind(before);
  if (state) rows.bind(std::string(job_state_name(*state)));
  rows.bind(count);
  return all_of(rows);
}

std::map<JobState, int64_t> SqliteJobStore::counts() {
  const std::lock_guard lock(mutex_);
  std::map<JobState, int64_t> counts;
  for (int state = 0; state <= static_cast<int>(JobState::kCancelled); ++state) counts[static_cast<JobState>(state)] = 0;
  SqliteStatement rows(database_, "SELECT state, count(*) FROM jobs GROUP BY state");
  while (rows.step()) counts[parse_job_state(rows.text(0))] = rows.integer(1);
  return counts;
}

int64_t SqliteJobStore::stored_bytes() {
  const std::lock_guard lock(mutex_);
  return one_number(database_, "SELECT sum(input_bytes + result_bytes) FROM jobs");
}

std::optional<Job> SqliteJobStore::take() {
  const std::lock_guard lock(mutex_);
  std::optional<Job> job;
  database_.transaction([&] {
    SqliteStatement next(database_, fmt::format("{}WHERE state = 'queued' ORDER BY sequence LIMIT 1", select_job));
    if (!next.step()) return;
    job = job_of(next);
    job->state = JobState::kRunning, job->started_ms = now_milliseconds(), ++job->attempts;
    SqliteStatement update(database_, "UPDATE jobs SET state = 'running', started_ms = ?, attempts = ? WHERE id = ?");
    update.bind(job->started_ms).bind(job->attempts).bind(job->id).step();
  });
  if (job) taken_.insert(job->id);
  return job;
}

bool SqliteJobStore::finish(const Job& attempt, JobState state, const std::string& error, int64_t result_bytes) {
  const std::lock_guard lock(mutex_);
  SqliteStatement update(database_,
                         "UPDATE jobs SET state = ?, error = ?, result_bytes = ?, finished_ms = ? WHERE id = ? AND attempts = ? "
                         "AND state = 'running'");
  update.bind(std::string(job_state_name(state))).bind(error).bind(result_bytes).bind(now_milliseconds());
  update.bind(attempt.id).bind(attempt.attempts).step();
  taken_.erase(attempt.id);
  return database_.changed_rows() == 1;
}

bool SqliteJobStore::requeue(const Job& attempt) {
  const std::lock_guard lock(mutex_);
  SqliteStatement update(database_,
                         "UPDATE jobs SET state = 'queued', started_ms = 0 WHERE id = ? AND attempts = ? AND state = 'running'");
  update.bind(attempt.id).bind(attempt.attempts).step();
  taken_.erase(attempt.id);
  return database_.changed_rows() == 1;
}

Heartbeat SqliteJobStore::beat(const std::vector<Job>& attempts) {
  const std::lock_guard lock(mutex_);
  Heartbeat heartbeat;
  for (const Job& attempt : attempts) {
    const auto now = found("id", attempt.id);
    if (!now || now->state != JobState::kRunning || now->attempts != attempt.attempts)
      heartbeat.lost.push_back(attempt.id);
    else if (now->cancel_requested)
      heartbeat.cancelled.push_back(attempt.id);
  }
  return heartbeat;
}

std::vector<Job> SqliteJobStore::abandoned() {
  const std::lock_guard lock(mutex_);
  SqliteStatement rows(database_, fmt::format("{}WHERE state = 'running' ORDER BY sequence", select_job));
  std::vector<Job> jobs = all_of(rows);
  std::erase_if(jobs, [&](const Job& job) { return taken_.count(job.id) != 0; });
  return jobs;
}

std::optional<Job> SqliteJobStore::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  std::optional<Job> job;
  database_.transaction([&] {
    SqliteStatement queued(database_,
                           "UPDATE jobs SET state = 'cancelled', cancel_requested = 1, finished_ms = ? WHERE id = ? AND state = "
                           "'queued'");
    queued.bind(now_milliseconds()).bind(id).step();
    SqliteStatement running(database_, "UPDATE jobs SET cancel_requested = 1 WHERE id = ? AND state = 'running'");
    running.bind(id).step();
    job = found("id", id);
  });
  return job;
}

bool SqliteJobStore::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  SqliteStatement row(database_, "DELETE FROM jobs WHERE id = ? AND state NOT IN ('queued', 'running')");
  row.bind(id).step();
  return database_.changed_rows() == 1;
}

bool SqliteJobStore::add_result_bytes(const std::string& id, int64_t bytes) {
  const std::lock_guard lock(mutex_);
  SqliteStatement update(database_,
                         "UPDATE jobs SET result_bytes = result_bytes + ? WHERE id = ? AND state NOT IN ('queued', 'running')");
  update.bind(bytes).bind(id).step();
  return database_.changed_rows() == 1;
}

std::vector<std::string> SqliteJobStore::finished_before(int64_t milliseconds) {
  const std::lock_guard lock(mutex_);
  SqliteStatement rows(database_, "SELECT id FROM jobs WHERE finished_ms > 0 AND finished_ms < ?");
  rows.bind(milliseconds);
  std::vector<std::string> ids;
  while (rows.step()) ids.push_back(rows.text(0));
  return ids;
}

void SqliteJobStore::check() {
  const std::lock_guard lock(mutex_);
  (void)one_number(database_, "SELECT count(*) FROM jobs WHERE sequence = 0");
}

}  // namespace gsv3d
