// The life of jobs: what clients see of it, cancelling, limits, and what the next start makes of an end in the middle.
#include "test_service.h"

namespace gsv3d::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class Jobs : public ServiceTest {};

/// The events of a stream until its end: (type, data). `pictured`: the step of the latest picture, while they come.
std::vector<std::pair<std::string, Json>> events_of(int port, const std::string& id, std::atomic<int>* pictured = nullptr) {
  HttpConnection connection(port);
  connection.send(request_text("GET", "/v1/jobs/" + id + "/events"));
  EXPECT_EQ(connection.read_header().status, 200);
  std::vector<std::pair<std::string, Json>> events;
  while (true) {
    const std::string text = connection.read_until("\n\n");
    if (text.empty()) return events;
    if (text.starts_with(":")) continue;
    const size_t line = text.find("\ndata: ");
    events.emplace_back(text.substr(7, line - 7), Json::parse(text.substr(line + 7)));
    if (pictured && events.back().first == "preview") *pictured = events.back().second["step"].get<int>();
  }
}

TEST_F(Jobs, TwoClientsSeeTheWholeWay) {
  start();
  const std::string id = submitted();
  std::vector<std::pair<std::string, Json>> seen[2];
  std::thread clients[2];
  std::atomic<int> latest[2] = {0, 0};
  for (int i = 0; i < 2; ++i) clients[i] = std::thread([&, i] { seen[i] = events_of(port_, id, &latest[i]); });
  while (service_->events().listeners() < 2) std::this_thread::sleep_for(5ms);
  for (int step = 1; step <= steps; ++step) {
    gate_.open(1);
    while (latest[0] < step || latest[1] < step) std::this_thread::sleep_for(5ms);
    std::this_thread::sleep_for(300ms);  // pictures are sent at most four times per second
  }
  for (std::thread& client : clients) client.join();
  for (const auto& events : seen) {
    ASSERT_GE(events.size(), 3U);
    std::set<int> pictured, told;
    for (const auto& [type, data] : events) {
      if (type == "preview") {
        pictured.insert(data["step"].get<int>());
        EXPECT_EQ(data["views"], 3);
        EXPECT_EQ(data["width"], 24);
      } else {
        EXPECT_EQ(type, "job");
        if (!data["progress"].is_null() && data["progress"]["stage"] == "views") told.insert(data["progress"]["step"].get<int>());
      }
    }
    EXPECT_EQ(pictured, (std::set<int>{1, 2, 3, 4}));
    EXPECT_EQ(told, (std::set<int>{1, 2, 3, 4}));
    EXPECT_EQ(events.back().second["state"], "succeeded");
    EXPECT_EQ(events.back().second["files"].size(), 2U);
  }
  EXPECT_EQ(service_->events().listeners(), 0);
  // Too late for the way, in time for the end.
  const auto late = events_of(port_, id);
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].second["state"], "succeeded");
}

TEST_F(Jobs, ClientsThatVanishAreForgotten) {
  start();
  const std::string id = submitted();
  for (int i = 0; i < 20; ++i) {
    HttpConnection connection(port_);
    connection.send(request_text("GET", "/v1/jobs/" + id + "/events"));
    EXPECT_EQ(connection.read_header().status, 200);
  }
  for (int i = 0; i < 12'000 && service_->http_counts().streams > 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(service_->events().listeners(), 0);
  EXPECT_EQ(service_->http_counts().streams, 0);
}

TEST_F(Jobs, CancelStopsInTheMiddleOfAStep) {
  gate_.open(2);  // and no further: the third step lasts until it is cancelled
  start();
  const std::string running = submitted(), waiting = submitted();
  while (job(running)["progress"].is_null() || job(running)["progress"]["step"] != 2) std::this_thread::sleep_for(5ms);
  std::vector<std::pair<std::string, Json>> seen;
  std::thread watching([&] { seen = events_of(port_, waiting); });
  while (service_->events().listeners() < 1) std::this_thread::sleep_for(5ms);
  const HttpAnswer queued = ask(port_, "DELETE", "/v1/jobs/" + waiting);
  EXPECT_EQ(queued.status, 202);
  EXPECT_EQ(Json::parse(queued.body)["state"], "cancelled");
  watching.join();
  EXPECT_EQ(seen.back().second["state"], "cancelled");
  const HttpAnswer answer = ask(port_, "DELETE", "/v1/jobs/" + running);
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(Json::parse(answer.body)["cancel_requested"], true);
  const Json ended = wait_for(running, "cancelled");
  EXPECT_EQ(ended["files"].size(), 0U);
  EXPECT_EQ(begun_, 1);
  EXPECT_TRUE(std::filesystem::is_empty(config_.data / "results"));
  EXPECT_EQ(service_->runner().counts().cancelled, 1);
  EXPECT_EQ(ask(port_, "DELETE", "/v1/jobs/" + running).status, 204);
}

TEST_F(Jobs, FailuresSayWhy) {
  start([](const Job&, JobReport&) { throw Error("the photo shows nothing"); });
  EXPECT_EQ(wait_for(submitted(), "failed")["error"], "the photo shows nothing");
}

TEST_F(Jobs, WorkersShareTheQueue) {
  config_.workers = 3;
  start();
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(submitted());
  while (begun_ < 3) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(service_->store().counts()[JobState::kRunning], 3);
  gate_.open();
  for (const std::string& id : ids) EXPECT_EQ(wait_for(id, "succeeded")["attempts"], 1);
  EXPECT_EQ(begun_, 5);
}

TEST_F(Jobs, LimitsOfQueueAndSpace) {
  config_.store.queued_jobs = 2;
  start();
  wait_for(submitted(), "running");
  submitted(), submitted();
  const HttpAnswer full = submit(port_, small_png());
  expect_problem(full, 429, "2 jobs wait already");
  EXPECT_EQ(full.headers.at("retry-after"), "10");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(config_.data / "inputs"), {}), 3);
  service_.reset();
  config_.store.queued_jobs = 100, config_.store.bytes = static_cast<int64_t>(3 * small_png().size());
  start();
  expect_problem(submit(port_, small_png()), 503, "space");
}

TEST_F(Jobs, DrainingEndsWhatRunsAndKeepsWhatWaits) {
  start();
  const std::string running = submitted(), waiting = submitted();
  wait_for(running, "running");
  std::thread draining([&] { service_->drain(60s); });
  while (!service_->draining()) std::this_thread::sleep_for(5ms);
  expect_problem(submit(port_, small_png()), 503, "about to end");
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/healthz").status, 200);
  gate_.open();
  draining.join();
  EXPECT_EQ(job(running)["state"], "succeeded");
  EXPECT_EQ(job(waiting)["state"], "queued");
  service_.reset();
  start();
  EXPECT_EQ(wait_for(waiting, "succeeded")["attempts"], 1);
}

TEST_F(Jobs, AnEndWithoutDrainingPutsThemBack) {
  start();
  const std::string id = submitted();
  wait_for(id, "running");
  service_.reset();
  EXPECT_EQ(SqliteJobStore(files_->database()).find(id)->state, JobState::kQueued);
  gate_.open();
  start();
  EXPECT_EQ(wait_for(id, "succeeded")["attempts"], 2);
}

TEST_F(Jobs, TheNextStartSettlesWhatWasLeft) {
  std::map<std::string, std::string> ids;
  {
    files_ = std::make_unique<JobFiles>(config_.data);
    SqliteJobStore store(files_->database());
    for (const std::string name : {"begun once", "begun too often", "results are there", "to be cancelled"}) {
      Job job;
      job.id = random_identifier(), job.created_ms = now_milliseconds();
      files_->write_photos(job.id, {small_png()});
      ASSERT_EQ(store.submit(job, {}).outcome, Submission::kAccepted);
      ids[name] = job.id;
      ASSERT_EQ(store.take()->id, job.id);
      for (int again = 1; name == "begun too often" && again < JobRunner::most_attempts; ++again) {
        store.requeue(*store.find(job.id));
        ASSERT_EQ(store.take()->attempts, again + 1);
      }
      if (name == "results are there") write_fake_results(*files_, job);
      if (name == "to be cancelled") store.cancel(job.id);
    }
    files_->write_photos(random_identifier(), {small_png()});  // an upload that was not accepted any more
    std::filesystem::create_directories(config_.data / "results" / ("." + ids["begun once"] + ".123.part"));
  }
  gate_.open();
  start();
  EXPECT_EQ(wait_for(ids["begun once"], "succeeded")["attempts"], 2);
  EXPECT_THAT(job(ids["begun too often"])["error"].get<std::string>(), HasSubstr("ended 3 times"));
  EXPECT_EQ(job(ids["begun too often"])["state"], "failed");
  EXPECT_EQ(job(ids["results are there"])["state"], "succeeded");
  EXPECT_EQ(job(ids["results are there"])["attempts"], 1);
  EXPECT_EQ(job(ids["to be cancelled"])["state"], "cancelled");
  EXPECT_EQ(begun_, 1);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(config_.data / "inputs"), {}), 4);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(config_.data / "results"), {}), 2);
}

TEST_F(Jobs, OldOnesAreForgotten) {
  gate_.open();
  start();
  const std::string id = submitted();
  wait_for(id, "succeeded");
  EXPECT_THAT(service_->store().finished_before(now_milliseconds() + 1000), ::testing::ElementsAre(id));
  EXPECT_TRUE(service_->store().finished_before(now_milliseconds() - 60'000).empty());
  EXPECT_FALSE(service_->store().remove(submitted().substr(0, 31) + "x"));
}

TEST_F(Jobs, OneServicePerFolder) {
  std::filesystem::create_directories(config_.data);
  const auto lock = lock_data_folder(config_.data);
  EXPECT_THROW(lock_data_folder(config_.data), Error);
}

}  // namespace
}  // namespace gsv3d::testing
