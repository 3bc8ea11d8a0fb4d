#include "service/postgres/news.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/log.h"
#include "service/job_json.h"
#include "service/postgres/job_store.h"

namespace gsv3d {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds shortest_pause = 100ms;  ///< between two writings

Json progress_json(const JobProgress& progress) {
  Json json = {{"stage", progress.stage}, {"step", progress.step}, {"steps", progress.steps}, {"eta_seconds", nullptr}};
  if (progress.eta_seconds) json["eta_seconds"] = *progress.eta_seconds;
  return json;
}

JobProgress progress_of(const Json& json) {
  JobProgress progress{json.at("stage").get<std::string>(), json.at("step").get<int64_t>(), json.at("steps").get<int64_t>(), {}};
  if (!json.at("eta_seconds").is_null()) progress.eta_seconds = json["eta_seconds"].get<double>();
  return progress;
}

}  // namespace

PostgresNews::PostgresNews(const std::string& address, JobStore& store, const JobFiles& files, JobEvents& events,
                           JobRunner& runner)
    : connection_(address), store_(store), files_(files), events_(events), runner_(runner), wake_(::eventfd(0, EFD_CLOEXEC)) {
  require(wake_ >= 0, "cannot make an eventfd");
  events_.set_relay(
      [this](const std::string& id, const JobProgress& progress, const std::string& preview) { publish(id, progress, preview); });
}

PostgresNews::~PostgresNews() {
  stop_ = true;
  (void)::eventfd_write(wake_, 1);
  if (thread_.joinable()) thread_.join();
  ::close(wake_);
}

void PostgresNews::start() {
  thread_ = std::thread([this] { loop(); });
}

void PostgresNews::publish(const std::string& id, const JobProgress& progress, const std::string& preview) {
  {
    const std::lock_guard lock(mutex_);
    Pending& pending = pending_[id];
    pending.progress = json_text(progress_json(progress));
    if (!preview.empty()) pending.preview = preview;
  }
  (void)::eventfd_write(wake_, 1);
}

void PostgresNews::loop() {
  bool is_told = false;
  while (!stop_) {
    try {
      if (!connection_.is_connected()) {
        listen();
        is_told = false;
      }
      write_pending();
      // Queries of one notification may bring the next ones along.
      for (auto news = connection_.notifications(); !news.empty(); news = connection_.notifications())
        for (const auto& notification : news) handle(notification);
      wait();
    } catch (const std::exception& error) {
      if (!std::exchange(is_told, true)) spdlog::error("{}; trying again", error.what());
      connection_.disconnect();
      std::this_thread::sleep_for(1s);
    }
  }
}

void PostgresNews::listen() {
  connection_.connect();
  connection_.run_script("LISTEN gsv3d");
  ++connections_;
  catch_up();
}

/// What may have been missed while there was no connection.
void PostgresNews::catch_up() {
  runner_.wake();
  for (const std::string& id : events_.known()) tell_state(id);
  const PostgresRows rows = connection_.run("SELECT id FROM gsv3d_progress");
  for (int row = 0; row < rows.count(); ++row) tell_progress(rows.text(row, 0), true);
}

/// At most ten times per second: of what came between, the latest.
void PostgresNews::write_pending() {
  std::map<std::string, Pending> pending;
  {
    const std::lock_guard lock(mutex_);
    if (std::chrono::steady_clock::now() - written_ < shortest_pause) return;
    pending.swap(pending_);
  }
  if (!pending.empty()) written_ = std::chrono::steady_clock::now();
  for (const auto& [id, news] : pending) {
    // Not after the job's end, which removes the row.
    const PostgresRows written = connection_.run(
        "INSERT INTO gsv3d_progress (id, progress, preview) SELECT $1, $2, $3 WHERE EXISTS (SELECT 1 FROM gsv3d_jobs WHERE id = "
        "$1 "
        "AND state = 'running') ON CONFLICT (id) DO UPDATE SET progress = excluded.progress, preview = "
        "coalesce(excluded.preview, "
        "gsv3d_progress.preview) RETURNING id",
        {id, news.progress, news.preview});
    if (written.count() == 1)
      connection_.run("SELECT pg_notify($1, $2)", {postgres_channel, (news.preview ? "preview " : "progress ") + id});
  }
}

void PostgresNews::handle(const PostgresConnection::Notification& notification) {
  const std::string& text = notification.text;
  const size_t blank = text.find(' ');
  const std::string what = text.substr(0, blank), id = blank == std::string::npos ? "" : text.substr(blank + 1);
  if (what == "queued") return runner_.wake();
  if (!is_job_identifier(id)) return;
  if (what == "stop") return runner_.stop(id);
  if (what == "changed") return tell_state(id);
  // Its own progress has been told here before it was written.
  if (notification.process != connection_.process()) tell_progress(id, what == "preview");
}

void PostgresNews::tell_state(const std::string& id) {
  const auto job = store_.find(id);
  if (!job || job->state == JobState::kRunning) return;
  events_.tell_here(id, {"job", json_text(job_json(*job, {}, files_)), is_finished(job->state)});
  events_.forget(id);
}

void PostgresNews::tell_progress(const std::string& id, bool with_preview) {
  const PostgresRows rows = connection_.run("SELECT progress, preview FROM gsv3d_progress WHERE id = $1", {id});
  const auto job = store_.find(id);
  if (rows.count() == 0 || !job || job->state != JobState::kRunning) return;
  const JobProgress progress = progress_of(parse_json(rows.text(0, 0), "database: progress"));
  events_.set_progress_here(id, progress);
  events_.tell_here(id, {"job", json_text(job_json(*job, progress, files_))});
  if (with_preview && !rows.is_null(0, 1)) events_.tell_here(id, {"preview", rows.text(0, 1)});
}

void PostgresNews::wait() {
  std::chrono::milliseconds time = 500ms;
  {
    const std::lock_guard lock(mutex_);
    if (!pending_.empty()) time = shortest_pause;
  }
  // What waits to be written must not be woken for again.
  pollfd entries[] = {{connection_.socket(), POLLIN, 0}, {wake_, POLLIN, 0}};
  const nfds_t watched = time == shortest_pause ? 1 : 2;
  if (::poll(entries, watched, static_cast<int>(time.count())) > 0 && (entries[1].revents & POLLIN) != 0) {
    eventfd_t count = 0;
    (void)::eventfd_read(wake_, &count);
  }
}

}  // namespace gsv3d
