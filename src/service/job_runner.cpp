#include "service/job_runner.h"

#include "core/base64.h"
#include "core/cancel.h"
#include "core/log.h"
#include "service/job_json.h"

namespace gsv3d {

using namespace std::chrono_literals;

void JobReport::progress(const std::string& stage, int64_t done, int64_t total) {
  const auto now = Clock::now();
  const bool is_new = stage != stage_;
  if (is_new) stage_ = stage, stage_start_ = now;
  JobProgress progress{stage, done, std::max<int64_t>(total, 1), {}};
  // Of the present stage: what comes after the views takes about as long on every photo, but how long is not known before.
  if (done > 0 && done < total)
    progress.eta_seconds =
        std::chrono::duration<double>(now - stage_start_).count() / static_cast<double>(done) * static_cast<double>(total - done);
  events_.set_progress(job_.id, progress);
  if (!is_new && done < total && now - told_ < 100ms) return;
  told_ = now;
  events_.tell(job_.id, {"job", json_text(job_json(job_, progress, files_))});
}

void JobReport::preview(const Image& strip, int64_t views, int64_t done, int64_t total) {
  const auto now = Clock::now();
  if (done < total && now - pictured_ < 250ms) return;
  pictured_ = now;
  const Json json = {{"step", done},         {"steps", total},         {"views", views},
                     {"width", strip.width}, {"height", strip.height}, {"png_base64", base64_encoded(encode_png(strip))}};
  events_.tell(job_.id, {"preview", json_text(json)});
}

JobRunner::JobRunner(JobStore& store, const JobFiles& files, JobEvents& events, JobWork work)
    : store_(store), files_(files), events_(events), work_(std::move(work)) {}

JobRunner::~JobRunner() {
  drain(0ms);
}

void JobRunner::settle_abandoned() {
  for (const Job& job : store_.abandoned()) {
    if (files_.has_results(job.id)) {
      store_.finish(job, JobState::kSucceeded, "", files_.result_bytes(job.id));
    } else if (job.cancel_requested) {
      store_.finish(job, JobState::kCancelled, "", 0);
    } else if (job.attempts >= most_attempts) {
      store_.finish(job, JobState::kFailed, fmt::format("the program ended {} times while it worked on this job", job.attempts),
                    0);
    } else if (store_.requeue(job)) {
      spdlog::info("job {} was abandoned in the middle and waits again", job.id);
      wake();
    }
  }
}

void JobRunner::start(int64_t workers) {
  settle_abandoned();
  // Where others write at this moment, only what is too old to be theirs is known to be nobody's.
  const std::chrono::hours least_age(store_.is_shared() ? 24 : 0);
  files_.sweep([&](const std::string& id) { return is_job_identifier(id) && store_.find(id); }, least_age);
  for (int64_t i = 0; i < workers; ++i) workers_.emplace_back([this] { work_loop(); });
  keeper_ = std::thread([this] { keep_loop(); });
}

void JobRunner::keep_loop() {
  constexpr int beats_between_settling = 5;
  std::unique_lock lock(mutex_);
  for (int count = 1; !changed_.wait_for(lock, 1s, [&] { return stopped_; }); ++count) {
    lock.unlock();
    try {
      beat();
      if (count % beats_between_settling == 0) settle_abandoned();
    } catch (const std::exception& error) {
      spdlog::error("cannot say that this process works: {}", error.what());
    }
    lock.lock();
  }
}

void JobRunner::beat() {
  std::vector<Job> attempts;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, running] : running_) attempts.push_back(running->job);
  }
  if (attempts.empty()) return;
  const Heartbeat heartbeat = store_.beat(attempts);
  for (const std::string& id : heartbeat.cancelled) stop(id);
  const std::lock_guard lock(mutex_);
  for (const std::string& id : heartbeat.lost) {
    // It may have ended meanwhile: then it is no longer in the list.
    if (const auto found = running_.find(id); found != running_.end()) found->second->stop = true;
  }
}

void JobRunner::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

void JobRunner::stop(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  found->second->by_client = true;
  found->second->stop = true;
}

void JobRunner::drain(std::chrono::milliseconds time) {
  {
    std::unique_lock lock(mutex_);
    draining_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, time, [&] { return running_.empty(); });
    for (const auto& [id, running] : running_) running->stop = true;
  }
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (keeper_.joinable()) keeper_.join();
}

void JobRunner::stop_for_restart() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, running] : running_) running->stop = true;
}

int64_t JobRunner::running() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(running_.size());
}

void JobRunner::work_loop() {
  while (true) {
    std::optional<Job> job;
    int64_t seen = 0;
    {
      const std::lock_guard lock(mutex_);
      if (draining_) return;
      seen = wakes_;
    }
    try {
      job = store_.take();
    } catch (const std::exception& error) {
      spdlog::error("cannot take a job: {}", error.what());
    }
    if (!job) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, 1s, [&] { return draining_ || wakes_ != seen; });
      continue;
    }
    const auto running = std::make_shared<Running>();
    running->job = std::move(*job);
    {
      const std::lock_guard lock(mutex_);
      running_[running->job.id] = running;
      if (draining_) running->stop = true;
    }
    run(*running);
    {
      const std::lock_guard lock(mutex_);
      running_.erase(running->job.id);
    }
    changed_.notify_all();
  }
}

void JobRunner::run(Running& running) {
  const auto start = std::chrono::steady_clock::now();
  const Job& job = running.job;
  try {
    // A client may have asked to stop between take() and the entry in the list of running jobs.
    if (const auto now = store_.find(job.id); now && now->cancel_requested) running.by_client = true, running.stop = true;
    const OwnCancel own(running.stop);
    JobReport report(job, events_, files_);
    report.progress("waiting for the model", 0, 1);
    throw_if_cancelled();
    work_(job, report);
    finish(job, JobState::kSucceeded, "");
    ++counts_.succeeded;
    counts_.milliseconds +=
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  } catch (const Cancelled&) {
    if (running.by_client) {
      finish(job, JobState::kCancelled, "");
      ++counts_.cancelled;
    } else {
      give_back(job);
    }
  } catch (const std::exception& error) {
    spdlog::warn("job {} failed: {}", job.id, error.what());
    finish(job, JobState::kFailed, error.what());
    ++counts_.failed;
  }
}

void JobRunner::give_back(const Job& job) {
  events_.forget(job.id);
  try {
    store_.requeue(job);
  } catch (const std::exception& failure) {
    spdlog::error("job {} waits for the next start: {}", job.id, failure.what());
  }
}

void JobRunner::finish(const Job& job, JobState state, const std::string& error) {
  for (int attempt = 0;; ++attempt) {
    try {
      // An attempt that was taken for abandoned is another process's to end.
      if (!store_.finish(job, state, shown_text(error), files_.result_bytes(job.id))) return events_.forget(job.id);
      break;
    } catch (const std::exception& failure) {
      // The next start settles it, as after a crash.
      spdlog::error("cannot write down the end of job {}: {}", job.id, failure.what());
      if (attempt == 3) return;
      std::this_thread::sleep_for(1s);
    }
  }
  if (const auto ended = store_.find(job.id)) events_.tell(job.id, {"job", json_text(job_json(*ended, {}, files_)), true});
  events_.forget(job.id);
}

}  // namespace gsv3d
