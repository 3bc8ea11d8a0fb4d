// gsv3d serve and gsv3d worker with PostgreSQL, as processes: one of two workers is killed in the middle of a job.
#if GSV3D_WITH_POSTGRESQL
#include <set>

#include "postgres_server.h"
#include "server_process.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace testing;

class WorkerCommand : public CommandTest {
 protected:
  WorkerCommand() : CommandTest("worker --model toy --device cpu --threads 1") { initialise_toy_model(folder_ / "toy", 1); }
  void SetUp() override {
    if (PostgresServer::programs().empty()) GTEST_SKIP() << "PostgreSQL is not installed (apt-get install postgresql)";
    database_.emplace();
  }
  std::vector<std::string> database() const { return {"--database", database_->address(), "--dead-seconds", "5"}; }
  std::unique_ptr<RunningProgram> worker(const std::vector<std::string>& more = {}, const std::string& models = "toy") const {
    std::vector<std::string> words = {"worker", "--model", "toy", "--device", "cpu", "--threads", "1", "--data", "data"};
    for (const auto& list : {database(), more}) words.insert(words.end(), list.begin(), list.end());
    auto program = std::make_unique<RunningProgram>(folder_.path(), words);
    EXPECT_EQ(program->line(), "gsv3d worker: takes jobs with model " + models);
    return program;
  }
  std::unique_ptr<Server> server(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"--workers", "0"};
    for (const auto& list : {database(), more}) words.insert(words.end(), list.begin(), list.end());
    return std::make_unique<Server>(folder_.path(), words);
  }
  const std::map<std::string, std::string> quick_ = {{"steps", "2"}, {"mesh", "false"}, {"viewer", "false"}};

 private:
  std::optional<PostgresServer> database_;
};

TEST_F(WorkerCommand, AJobWhoseWorkerIsKilledIsFinishedByAnother) {
  const auto service = server();
  ASSERT_GT(service->port(), 0);
  const auto killed = worker();
  const std::string job = accepted_job(*service, {{"steps", "400"}, {"mesh", "false"}, {"viewer", "false"}});
  const auto is_amid = [&] {
    const Json progress = job_at(*service, job)["progress"];
    return !progress.is_null() && progress["stage"] == "views" && progress["step"] > 1;
  };
  for (int i = 0; i < 12'000 && !is_amid(); ++i) std::this_thread::sleep_for(5ms);
  ASSERT_TRUE(is_amid()) << job_at(*service, job);
  std::vector<std::string> ids = {job};
  for (int i = 0; i < 5; ++i) ids.push_back(accepted_job(*service, quick_));
  EXPECT_EQ(killed->end(SIGKILL), 128 + SIGKILL);
  const auto other = worker();
  for (const std::string& id : ids) {
    const Json ended = ended_job(*service, id);
    EXPECT_EQ(ended["state"], "succeeded") << ended;
    EXPECT_EQ(ended["attempts"], id == job ? 2 : 1);
    std::set<std::string> names;
    for (const Json& file : ended["files"]) names.insert(file["name"]);
    for (const std::string name : {"object.ply", "views.png", "result.json"}) EXPECT_EQ(names.count(name), 1U) << name;
  }
  // One folder of results each, and nothing else of what was accepted or written.
  const Json list = Json::parse(ask(service->port(), "GET", "/v1/jobs?limit=100").body);
  EXPECT_EQ(list["jobs"].size(), ids.size());
  std::set<std::string> results;
  for (const auto& entry : fs::directory_iterator(folder_ / "data" / "results")) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(".")) results.insert(name);
  }
  EXPECT_EQ(results, std::set<std::string>(ids.begin(), ids.end()));
  EXPECT_EQ(other->end(SIGTERM), 0);
  EXPECT_EQ(service->end(SIGTERM), 0);
}

TEST_F(WorkerCommand, TwoWorkersShareTheQueueAndSigtermGivesNothingAway) {
  const auto service = server();
  ASSERT_GT(service->port(), 0);
  auto first = worker(), second = worker();
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(accepted_job(*service, quick_));
  EXPECT_EQ(first->end(SIGTERM), 0);  // it ends what it has begun, and takes no more
  for (const std::string& id : ids) {
    const Json ended = ended_job(*service, id);
    EXPECT_EQ(ended["state"], "succeeded") << ended;
    EXPECT_EQ(ended["attempts"], 1);
  }
  EXPECT_EQ(second->end(SIGTERM), 0);
}

TEST_F(WorkerCommand, AFurtherModelOfTheServersIsTheWorkersToo) {
  initialise_toy_model(folder_ / "other", 2);
  const auto service = server({"--also-model", "second=other"});
  ASSERT_GT(service->port(), 0);
  const auto both = worker({"--also-model", "second=other"}, "toy, second");
  auto fields = quick_;
  fields["model"] = "second";
  const std::string id = accepted_job(*service, fields);
  EXPECT_EQ(ended_job(*service, id)["state"], "succeeded");
  const Json record = Json::parse(ask(service->port(), "GET", "/v1/jobs/" + id + "/files/result.json").body);
  EXPECT_EQ(record["model"]["name"], "second");
  EXPECT_EQ(both->end(SIGTERM), 0);
  // One that was not given it says so, instead of making something else.
  const auto only_toy = worker();
  const Json failed = ended_job(*service, accepted_job(*service, fields));
  EXPECT_EQ(failed["state"], "failed");
  EXPECT_EQ(failed["error"], "options.model: there is no model \"second\": use one of toy");
  EXPECT_EQ(only_toy->end(SIGTERM), 0);
}

TEST_F(WorkerCommand, WrongUseIsOneLine) {
  const auto service = server();
  ASSERT_GT(service->port(), 0);
  expect_one_line(run("--data data"), 2, "--database");
  expect_one_line(run("--data data --database mysql://x"), 2, "expected postgresql://");
  expect_one_line(run("--data data --database 'postgresql:///x?host=" + folder_.path().string() + "'"), 1, "database: ");
  expect_one_line(run("--data other --database '" + database()[1] + "'"), 1, "is not the folder of this database's jobs");
}

}  // namespace
}  // namespace gsv3d
#endif
