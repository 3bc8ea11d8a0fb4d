// A service on a free port of this machine, whose work is the test's.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/output_folder.h"
#include "exports/outputs.h"
#include "http_client.h"
#include "json_schema.h"
#include "service/routes/routes.h"
#include "service/service.h"
#include "service/sqlite_job_store.h"
#include "temporary_folder.h"
#include "toy_model.h"

namespace gsv3d::testing {

inline std::string small_png() {
  Image image = blank_image(8, 6, 200, 100, 50);
  image.at(0, 0)[3] = 0;
  return encode_png(image);
}

/// A square on transparent ground.
inline std::string cut_out_png() {
  Image image = blank_image(16, 16, 200, 100, 50);
  for (int64_t i = 0; i < 16 * 16; ++i) image.pixels[4 * i + 3] = i % 16 < 8 ? 255 : 0;
  return encode_png(image);
}

/// What the fake work leaves: 100,000 bytes that tell where they stand.
inline std::string fake_glb() {
  std::string bytes;
  for (int64_t i = 0; i < 100'000; ++i) bytes += static_cast<char>(i * i % 251);
  return bytes;
}

inline void write_fake_results(const JobFiles& files, const Job& job) {
  OutputFolder folder(files.results_folder(), job.id);
  write_file(folder.staging() / "object.glb", fake_glb());
  write_file(folder.staging() / "result.json", "{}\n");
  folder.commit(output_file_names());
}

/// A second model, "further", which tells of itself by its steps.
inline ModelConfig further_config() {
  ModelConfig config = toy_config();
  config.name = "further", config.sampler.steps = 5;
  return config;
}

/// Lets jobs go on step by step.
class Gate {
 public:
  void open(int steps = 1'000'000) {
    const std::lock_guard lock(mutex_);
    steps_ += steps;
    changed_.notify_all();
  }
  /// Waits for a step, looking for a cancel as long work does.
  void pass() {
    std::unique_lock lock(mutex_);
    while (steps_ == 0) {
      throw_if_cancelled();
      changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    --steps_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int steps_ = 0;
};

class ServiceTest : public ::testing::Test {
 protected:
  static constexpr int steps = 4;

  ServiceTest() {
    config_.port = 0, config_.version = "1.2.3", config_.data = folder_ / "data";
    config_.http.request_time = std::chrono::seconds(120);
  }
  void start(JobWork work = {}) {
    files_ = std::make_unique<JobFiles>(config_.data);
    if (!work) work = [this](const Job& job, JobReport& report) { work_through(job, report); };
    service_ = std::make_unique<Service>(config_, models_, std::make_unique<SqliteJobStore>(files_->database()), *files_,
                                         std::move(work));
    service_->start();
    port_ = service_->port();
  }
  void work_through(const Job& job, JobReport& report) {
    ++begun_;
    for (int step = 1; step <= steps; ++step) {
      gate_.pass();
      report.progress("views", step, steps);
      report.preview(blank_image(24, 8, 1, 2, 3), 3, step, steps);
    }
    write_fake_results(*files_, job);
  }
  HttpAnswer get(const std::string& target, const HttpHeaders& headers = {}) const { return ask(port_, "GET", target, headers); }
  /// Submits, and gives the job's id.
  std::string submitted(const std::map<std::string, std::string>& fields = {}, const HttpHeaders& headers = {}) const {
    const HttpAnswer answer = submit(port_, small_png(), fields, headers);
    EXPECT_EQ(answer.status, 202) << answer.body;
    return answer.status == 202 ? Json::parse(answer.body)["id"].get<std::string>() : std::string(32, '0');
  }
  Json job(const std::string& id) const { return Json::parse(get("/v1/jobs/" + id).body); }
  /// The job once it is in that state; as it is after 60 s otherwise.
  Json wait_for(const std::string& id, const std::string& state) const {
    for (int i = 0; i < 6000; ++i) {
      Json now = job(id);
      if (now["state"] == state) return now;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "the job never became " << state << ": " << job(id);
    return job(id);
  }
  static void expect_problem(const HttpAnswer& answer, int status, const std::string& part) {
    EXPECT_EQ(answer.status, status) << answer.body;
    ASSERT_EQ(answer.headers.count("content-type"), 1U);
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    const Json problem = Json::parse(answer.body);
    EXPECT_EQ(problem["status"], status);
    EXPECT_THAT(problem["detail"].get<std::string>(), ::testing::HasSubstr(part));
  }

  const TemporaryFolder folder_;
  ServiceConfig config_;
  const ServedModels models_{std::vector<ServedModel>{{toy_config()}, {further_config()}}};
  Gate gate_;
  std::atomic<int> begun_ = 0;
  std::unique_ptr<JobFiles> files_;
  std::unique_ptr<Service> service_;
  int port_ = 0;
};

}  // namespace gsv3d::testing
