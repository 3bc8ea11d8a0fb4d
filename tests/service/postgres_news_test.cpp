// Several processes with one PostgreSQL database, here as parts of one program: a service without workers of its own, workers
// elsewhere, lost connections, the folder that all share.
#if GSV3D_WITH_POSTGRESQL
#include "job_stores.h"
#include "service/postgres/news.h"
#include "test_service.h"

namespace gsv3d::testing {
namespace {

using namespace std::chrono_literals;

/// As `gsv3d worker` has it.
class Worker {
 public:
  Worker(const std::string& address, const JobFiles& files, JobWork work)
      : store_(address, 1h), runner_(store_, files, events_, std::move(work)), news_(address, store_, files, events_, runner_) {
    runner_.start(1);
    news_.start();
  }
  ~Worker() { runner_.drain(0ms); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  JobStore& store() { return store_; }
  JobRunner& runner() { return runner_; }
  PostgresNews& news() { return news_; }

 private:
  PostgresJobStore store_;
  JobEvents events_;
  JobRunner runner_;
  PostgresNews news_;
};

class PostgresProcesses : public ServiceTest {
 protected:
  void SetUp() override {
    if (PostgresServer::programs().empty()) GTEST_SKIP() << "PostgreSQL is not installed (apt-get install postgresql)";
    address_ = new_database();
  }
  void TearDown() override {
    if (service_) service_->stop();
    news_.reset();
  }
  void start_service() {
    config_.workers = 0;
    files_ = std::make_unique<JobFiles>(config_.data);
    service_ = std::make_unique<Service>(config_, models_, std::make_unique<PostgresJobStore>(address_, 1h), *files_, JobWork());
    news_ = std::make_unique<PostgresNews>(address_, service_->store(), *files_, service_->events(), service_->runner());
    service_->start();
    news_->start();
    port_ = service_->port();
  }
  JobWork work() {
    return [this](const Job& job, JobReport& report) { work_through(job, report); };
  }
  void lose_connections() const {
    PostgresConnection(address_).run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
  }
  /// Opens the gate step by step until the job's progress, as the service tells it, is there.
  void wait_for_step(const std::string& id, int step) const {
    for (int i = 0; i < 6000; ++i) {
      const Json now = job(id);
      if (!now["progress"].is_null() && now["progress"]["step"] == step) return;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "step " << step << " is not told: " << job(id);
  }

  std::string address_;
  std::unique_ptr<PostgresNews> news_;
};

TEST_F(PostgresProcesses, TheServiceTellsWhatAWorkerElsewhereDoes) {
  start_service();
  Worker worker(address_, *files_, work());
  const std::string id = submitted();
  std::vector<std::string> pictures, states;
  std::atomic<int> told = 0;
  std::thread watching([&] {
    HttpConnection connection(port_);
    connection.send(request_text("GET", "/v1/jobs/" + id + "/events"));
    connection.read_header();
    for (std::string text = connection.read_until("\n\n"); !text.empty(); text = connection.read_until("\n\n")) {
      if (text.starts_with(":")) continue;
      const Json data = Json::parse(text.substr(text.find("\ndata: ") + 7));
      text.starts_with("event: preview") ? pictures.push_back(data["png_base64"]) : states.push_back(data["state"]);
      ++told;
    }
  });
  while (told < 1) std::this_thread::sleep_for(5ms);
  for (int step = 1; step < steps; ++step) {
    gate_.open(1);
    wait_for_step(id, step);
  }
  gate_.open();
  watching.join();
  const Json ended = wait_for(id, "succeeded");
  EXPECT_EQ(ended["files"].size(), 2U);
  EXPECT_EQ(states.back(), "succeeded");
  EXPECT_EQ(std::count(states.begin(), states.end(), "succeeded"), 1);
  EXPECT_GE(pictures.size(), 1U);
  EXPECT_EQ(begun_, 1);
  EXPECT_EQ(get("/v1/jobs/" + id + "/files/object.glb").body, fake_glb());
  EXPECT_EQ(PostgresConnection(address_).run("SELECT id FROM gsv3d_progress").count(), 0);
  EXPECT_TRUE(service_->events().known().empty());
}

TEST_F(PostgresProcesses, CancelReachesTheWorker) {
  start_service();
  Worker worker(address_, *files_, work());
  const std::string id = submitted();
  gate_.open(2);
  wait_for_step(id, 2);
  EXPECT_EQ(ask(port_, "DELETE", "/v1/jobs/" + id).status, 202);
  EXPECT_EQ(wait_for(id, "cancelled")["files"].size(), 0U);
  while (worker.runner().counts().cancelled < 1) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(service_->runner().counts().cancelled, 0);
}

TEST_F(PostgresProcesses, WorkersShareTheQueueAndOneThatStopsGivesItsJobBack) {
  start_service();
  auto first = std::make_unique<Worker>(address_, *files_, work());
  const std::string id = submitted();
  wait_for(id, "running");
  Worker second(address_, *files_, work());
  first.reset();  // stops in the middle
  gate_.open();
  EXPECT_EQ(wait_for(id, "succeeded")["attempts"], 2);
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(submitted());
  for (const std::string& other : ids) EXPECT_EQ(wait_for(other, "succeeded")["attempts"], 1);
  EXPECT_EQ(begun_, 8);
}

TEST_F(PostgresProcesses, WhoWasTakenForDeadStopsAndChangesNothing) {
  start_service();
  Worker worker(address_, *files_, work());
  const std::string id = submitted();
  gate_.open(1);
  wait_for_step(id, 1);
  // Another process found it silent, and began the job again.
  PostgresJobStore other(address_, 1ms);
  std::this_thread::sleep_for(20ms);
  Job attempt = *other.find(id);
  ASSERT_TRUE(other.requeue(attempt));
  std::optional<Job> again;
  while (!(again = other.take()) && other.find(id)->attempts < 2) std::this_thread::sleep_for(5ms);
  if (!again) return;                                                      // the worker itself was the quickest to take it
  while (worker.runner().running() > 0) std::this_thread::sleep_for(5ms);  // its next heartbeat tells it
  EXPECT_TRUE(other.finish(*again, JobState::kFailed, "the second", 0));
  EXPECT_EQ(wait_for(id, "failed")["error"], "the second");
  EXPECT_TRUE(std::filesystem::is_empty(config_.data / "results"));
}

TEST_F(PostgresProcesses, LostConnectionsAreMadeAnew) {
  start_service();
  Worker worker(address_, *files_, work());
  const std::string id = submitted();
  gate_.open(1);
  wait_for_step(id, 1);
  const int64_t before = news_->connections();
  lose_connections();
  EXPECT_EQ(get("/readyz").status, 200);
  while (news_->connections() == before || worker.news().connections() < 2) std::this_thread::sleep_for(5ms);
  gate_.open(1);
  wait_for_step(id, 2);
  gate_.open();
  EXPECT_EQ(wait_for(id, "succeeded")["attempts"], 1);
}

TEST_F(PostgresProcesses, NothingIsSaidOfThePasswordInAnAddress) {
  for (const std::string address : {"postgresql://me:secret@[::1", "mysql://me:secret@host/db", "host=x password=secret"}) {
    try {
      PostgresConnection connection(address);
      FAIL() << address;
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("expected postgresql://"));
      EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("secret")));
    }
  }
  EXPECT_THROW(PostgresJobStore("postgresql:///nothing?host=" + config_.data.string(), 1s), StoreUnavailable);
}

TEST_F(PostgresProcesses, OneFolderForOneDatabase) {
  PostgresJobStore store(address_, 1s);
  const TemporaryFolder shared, wrong, of_sqlite;
  store.check_folder(JobFiles(shared.path()));
  PostgresJobStore(address_, 1s).check_folder(JobFiles(shared.path()));
  EXPECT_THROW(store.check_folder(JobFiles(wrong.path())), Error);
  PostgresJobStore another(new_database(), 1s);
  const JobFiles files(of_sqlite.path());
  files.write_photos(random_identifier(), {"x"});
  EXPECT_THROW(another.check_folder(files), Error);
  EXPECT_THROW(another.check_folder(JobFiles(shared.path())), Error);
  another.check_folder(JobFiles(wrong.path()));  // it is still free
}

}  // namespace
}  // namespace gsv3d::testing
#endif
