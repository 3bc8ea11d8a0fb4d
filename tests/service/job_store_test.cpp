// What every store of jobs does, whichever database is behind it.
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "job_stores.h"

namespace gsv3d::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct StoreName {
  template <class Stores>
  static std::string GetName(int) {
    return Stores::name;
  }
};

template <class Stores>
class JobStores : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = Stores::missing(); !missing.empty()) GTEST_SKIP() << missing;
    store_ = stores_.open();
  }
  Job accepted(const std::string& key = "", JobStore* store = nullptr) {
    const Submitted submitted = (store ? store : store_.get())->submit(new_job(key), {});
    EXPECT_EQ(submitted.outcome, Submission::kAccepted);
    return submitted.job.value_or(Job());
  }

  Stores stores_;
  std::unique_ptr<JobStore> store_;
};
TYPED_TEST_SUITE(JobStores, AllStores, StoreName);

TYPED_TEST(JobStores, KeepEverythingOfAJob) {
  Job job = new_job("key '1'");
  job.photo_name = "Tässchen 'x' \"y\" \\ \xF0\x9F\x98\x80.png";
  job.options = {
      {"seed", 18446744073709551615ULL}, {"guidance_range", {1.5, 2}}, {"views", {{{"azimuth_degrees", 90}}}}, {"n", "a\0b"}};
  job.photos = 2, job.input_bytes = int64_t{5} << 32, job.request_fingerprint = "0123";
  const Submitted submitted = this->store_->submit(job, {.bytes = int64_t{1} << 40});
  ASSERT_EQ(submitted.outcome, Submission::kAccepted);
  auto other = this->stores_.open_other(this->store_);
  const auto found = other->find(job.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->state, JobState::kQueued);
  EXPECT_EQ(found->photo_name, job.photo_name);
  EXPECT_EQ(found->options, job.options);
  EXPECT_EQ(found->created_ms, job.created_ms);
  EXPECT_EQ(found->photos, 2);
  EXPECT_EQ(found->input_bytes, job.input_bytes);
  EXPECT_EQ(found->idempotency_key, job.idempotency_key);
  EXPECT_EQ(found->request_fingerprint, "0123");
  EXPECT_EQ(found->attempts, 0);
  EXPECT_EQ(found->sequence, submitted.job->sequence);
  EXPECT_FALSE(other->find(std::string(32, '0')));
  other->check();
}

TYPED_TEST(JobStores, TheOldestIsTakenFirstAndTheNewestListedFirst) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(this->accepted().id);
  const auto first = this->store_->take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id, ids[0]);
  EXPECT_EQ(first->state, JobState::kRunning);
  EXPECT_EQ(first->attempts, 1);
  EXPECT_GE(first->started_ms, first->created_ms);
  const auto names = [](const std::vector<Job>& jobs) {
    std::vector<std::string> names;
    for (const Job& job : jobs) names.push_back(job.id);
    return names;
  };
  const auto page = this->store_->list(2, 0, {});
  EXPECT_THAT(names(page), ElementsAre(ids[4], ids[3]));
  EXPECT_THAT(names(this->store_->list(2, page.back().sequence, {})), ElementsAre(ids[2], ids[1]));
  EXPECT_THAT(names(this->store_->list(9, 0, JobState::kRunning)), ElementsAre(ids[0]));
  EXPECT_THAT(names(this->store_->list(9, this->store_->find(ids[2])->sequence, JobState::kQueued)), ElementsAre(ids[1]));
  auto counts = this->store_->counts();
  EXPECT_EQ(counts[JobState::kQueued], 4);
  EXPECT_EQ(counts[JobState::kRunning], 1);
  EXPECT_EQ(counts[JobState::kFailed], 0);
}

TYPED_TEST(JobStores, OneKeyIsOneJob) {
  const Job job = this->accepted("key");
  const Submitted again = this->store_->submit(new_job("key"), {});
  EXPECT_EQ(again.outcome, Submission::kRepeated);
  EXPECT_EQ(again.job->id, job.id);
  Job other = new_job("key");
  other.request_fingerprint = "other";
  EXPECT_EQ(this->store_->submit(other, {}).outcome, Submission::kKeyTaken);
  std::atomic<int> made = 0, repeated = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      const auto outcome = this->store_->submit(new_job("at once"), {}).outcome;
      made += outcome == Submission::kAccepted ? 1 : 0, repeated += outcome == Submission::kRepeated ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(repeated, 7);
  EXPECT_EQ(this->store_->counts()[JobState::kQueued], 2);
}

TYPED_TEST(JobStores, LimitsHold) {
  this->accepted();
  EXPECT_EQ(this->store_->submit(new_job(), {1, 1000}).outcome, Submission::kQueueFull);
  EXPECT_EQ(this->store_->submit(new_job(), {2, 199}).outcome, Submission::kNoSpace);
  EXPECT_EQ(this->store_->submit(new_job(), {2, 200}).outcome, Submission::kAccepted);
  EXPECT_EQ(this->store_->stored_bytes(), 200);
  ASSERT_TRUE(this->store_->finish(*this->store_->take(), JobState::kSucceeded, "", 7));
  EXPECT_EQ(this->store_->stored_bytes(), 207);
}

TYPED_TEST(JobStores, EachIsTakenByOne) {
  constexpr int jobs = 40;
  std::set<std::string> submitted;
  for (int i = 0; i < jobs; ++i) submitted.insert(this->accepted().id);
  std::mutex mutex;
  std::vector<std::string> taken;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      // Where there may be several processes, each worker is one.
      const auto own = this->store_->is_shared() ? this->stores_.open() : nullptr;
      JobStore& store = own ? *own : *this->store_;
      while (const auto job = store.take()) {
        EXPECT_EQ(job->attempts, 1);
        EXPECT_TRUE(store.finish(*job, JobState::kSucceeded, "", 1));
        const std::lock_guard lock(mutex);
        taken.push_back(job->id);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(taken.size(), static_cast<size_t>(jobs));
  EXPECT_EQ(std::set<std::string>(taken.begin(), taken.end()), submitted);
  EXPECT_EQ(this->store_->counts()[JobState::kSucceeded], jobs);
}

TYPED_TEST(JobStores, OnlyTheRunningAttemptEndsAJob) {
  this->accepted();
  const Job first = *this->store_->take();
  EXPECT_TRUE(this->store_->requeue(first));
  EXPECT_FALSE(this->store_->requeue(first));
  EXPECT_FALSE(this->store_->finish(first, JobState::kSucceeded, "", 1));  // it waits
  const Job second = *this->store_->take();
  EXPECT_EQ(second.attempts, 2);
  EXPECT_FALSE(this->store_->finish(first, JobState::kSucceeded, "", 1));
  EXPECT_FALSE(this->store_->requeue(first));
  EXPECT_THAT(this->store_->beat({first}).lost, ElementsAre(first.id));
  EXPECT_THAT(this->store_->beat({second}).lost, IsEmpty());
  EXPECT_TRUE(this->store_->finish(second, JobState::kFailed, "why", 0));
  const Job ended = *this->store_->find(first.id);
  EXPECT_EQ(ended.state, JobState::kFailed);
  EXPECT_EQ(ended.error, "why");
  EXPECT_GE(ended.finished_ms, ended.started_ms);
  EXPECT_FALSE(this->store_->finish(second, JobState::kSucceeded, "", 1));
}

TYPED_TEST(JobStores, WhatNobodyWorksOnIsAbandoned) {
  this->accepted(), this->accepted();
  const Job job = *this->store_->take();
  EXPECT_THAT(this->store_->abandoned(), IsEmpty());
  auto other = this->stores_.open_other(this->store_);
  const auto left = other->abandoned();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].id, job.id);
  EXPECT_EQ(left[0].attempts, 1);
  EXPECT_TRUE(other->requeue(left[0]));
  EXPECT_THAT(other->abandoned(), IsEmpty());
  EXPECT_EQ(other->take()->id, job.id);  // before the younger one
}

TYPED_TEST(JobStores, CancelEndsWhatWaitsAndMarksWhatRuns) {
  const Job running = this->accepted(), waiting = this->accepted();
  const Job attempt = *this->store_->take();
  EXPECT_THAT(this->store_->beat({attempt}).cancelled, IsEmpty());
  const auto ended = this->store_->cancel(waiting.id);
  EXPECT_EQ(ended->state, JobState::kCancelled);
  EXPECT_GT(ended->finished_ms, 0);
  const auto marked = this->store_->cancel(running.id);
  EXPECT_EQ(marked->state, JobState::kRunning);
  EXPECT_TRUE(marked->cancel_requested);
  EXPECT_THAT(this->store_->beat({attempt}).cancelled, ElementsAre(running.id));
  EXPECT_TRUE(this->store_->finish(attempt, JobState::kCancelled, "", 0));
  EXPECT_EQ(this->store_->cancel(running.id)->state, JobState::kCancelled);
  EXPECT_FALSE(this->store_->cancel(std::string(32, '0')));
  EXPECT_FALSE(this->store_->take());
}

TYPED_TEST(JobStores, FinishedOnesCanBeForgotten) {
  const Job job = this->accepted("key");
  EXPECT_FALSE(this->store_->remove(job.id));
  const Job attempt = *this->store_->take();
  EXPECT_FALSE(this->store_->remove(job.id));
  EXPECT_THAT(this->store_->finished_before(now_milliseconds() + 1000), IsEmpty());
  EXPECT_TRUE(this->store_->finish(attempt, JobState::kSucceeded, "", 5));
  EXPECT_THAT(this->store_->finished_before(now_milliseconds() + 1000), ElementsAre(job.id));
  EXPECT_THAT(this->store_->finished_before(attempt.started_ms - 60'000), IsEmpty());
  EXPECT_TRUE(this->store_->remove(job.id));
  EXPECT_FALSE(this->store_->remove(job.id));
  EXPECT_FALSE(this->store_->find(job.id));
  EXPECT_EQ(this->store_->stored_bytes(), 0);
  this->accepted("key");  // the key is free again
}

TYPED_TEST(JobStores, ResultsOfFinishedOnesMayGrow) {
  const Job job = this->accepted();  // 100 bytes of photos
  EXPECT_FALSE(this->store_->add_result_bytes(job.id, 1));
  const Job attempt = *this->store_->take();
  EXPECT_FALSE(this->store_->add_result_bytes(job.id, 1));
  EXPECT_TRUE(this->store_->finish(attempt, JobState::kSucceeded, "", 5));
  EXPECT_TRUE(this->store_->add_result_bytes(job.id, int64_t{3} << 32));
  EXPECT_EQ(this->store_->find(job.id)->result_bytes, 5 + (int64_t{3} << 32));
  EXPECT_EQ(this->store_->stored_bytes(), 105 + (int64_t{3} << 32));
  EXPECT_TRUE(this->store_->remove(job.id));
  EXPECT_FALSE(this->store_->add_result_bytes(job.id, 1));
}

TYPED_TEST(JobStores, ALaterVersionIsRefused) {
  this->store_.reset();
  this->stores_.set_version(99);
  try {
    this->stores_.open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("later version of gsv3d"));
  }
}

}  // namespace
}  // namespace gsv3d::testing
