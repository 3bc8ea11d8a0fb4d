// gsv3d serve as users run it: a photo becomes an object, and no end of the program loses a job.
#if GSV3D_WITH_SERVICE
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <regex>
#include <set>

#include "core/config.h"
#include "http_client.h"
#include "program.h"
#include "server_process.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using namespace testing;

class Serve : public CommandTest {
 protected:
  Serve() : CommandTest("serve --port 0 --model toy --device cpu --data data") { initialise_toy_model(folder_ / "toy", 1); }
  const std::map<std::string, std::string> quick_ = {{"steps", "2"}, {"mesh", "false"}};
};

TEST_F(Serve, GivesWhatGenerateGives) {
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  const std::string id = accepted_job(server, {{"steps", "2"}, {"seed", "4"}, {"mesh", "false"}});
  const Json job = ended_job(server, id);
  ASSERT_EQ(job["state"], "succeeded") << job;
  save_png(folder_ / "cup.png", decode_png(small_photo()));
  ASSERT_EQ(
      run_program(folder_.path(), "generate cup.png --model toy --device cpu --threads 1 --steps 2 --seed 4 --no-mesh -o out")
          .code,
      0);
  for (const std::string name : {"object.ply", "views.png"})
    EXPECT_EQ(ask(server.port(), "GET", "/v1/jobs/" + id + "/files/" + name).body, read_file(folder_ / "out" / "cup" / name))
        << name;
  const Json record = Json::parse(ask(server.port(), "GET", "/v1/jobs/" + id + "/files/result.json").body);
  EXPECT_EQ(record["seed"], 4);
  EXPECT_EQ(record["settings"]["steps"], 2);
  EXPECT_EQ(record["input"], "cup.png");
  EXPECT_EQ(server.end(SIGTERM), 0);
}

TEST_F(Serve, OtherFormatsAreWhatConvertWrites) {
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  const std::string id = accepted_job(server, quick_);
  ASSERT_EQ(ended_job(server, id)["state"], "succeeded");
  const auto file = [&](const std::string& name) { return ask(server.port(), "GET", "/v1/jobs/" + id + "/files/" + name).body; };
  put("object.ply", file("object.ply"));
  int compared = 0;
  const Json capabilities = Json::parse(ask(server.port(), "GET", "/v1/capabilities").body);
  for (const Json& format : capabilities["formats"]) {
    if (format["made_of"] != "object.ply") continue;
    const std::string name = format["name"];
    ASSERT_EQ(run_program(folder_.path(), "convert object.ply " + name).code, 0) << name;
    EXPECT_EQ(file(name), read_file(folder_ / name)) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 4);
}

TEST_F(Serve, JobsChooseAmongModelsThatAreLoadedWhenTheyAreNeeded) {
  initialise_toy_model(folder_ / "other", 2);
  Server server(folder_.path(), {"--also-model", "second=other", "--also-model", "third=toy"});
  ASSERT_GT(server.port(), 0);
  const auto loaded = [&] {
    std::map<std::string, bool> answer;
    const Json models = Json::parse(ask(server.port(), "GET", "/v1/models").body);
    for (const Json& model : models["models"]) answer[model["name"]] = model["loaded"];
    return answer;
  };
  using Loaded = std::map<std::string, bool>;
  EXPECT_EQ(loaded(), (Loaded{{"toy", true}, {"second", false}, {"third", false}}));
  const auto made_by = [&](const std::string& model) {
    auto fields = quick_;
    if (!model.empty()) fields["model"] = model;
    const std::string id = accepted_job(server, fields);
    EXPECT_EQ(ended_job(server, id)["state"], "succeeded");
    const Json record = Json::parse(ask(server.port(), "GET", "/v1/jobs/" + id + "/files/result.json").body);
    EXPECT_EQ(record["model"]["name"], model.empty() ? "toy" : model);
    return ask(server.port(), "GET", "/v1/jobs/" + id + "/files/object.ply").body;
  };
  const std::string second = made_by("second");
  EXPECT_EQ(loaded(), (Loaded{{"toy", true}, {"second", true}, {"third", false}}));
  save_png(folder_ / "cup.png", decode_png(small_photo()));
  ASSERT_EQ(
      run_program(folder_.path(), "generate cup.png --model other --device cpu --threads 1 --steps 2 --no-mesh -o out").code, 0);
  EXPECT_EQ(second, read_file(folder_ / "out" / "cup" / "object.ply"));
  const std::string third = made_by("third");
  EXPECT_EQ(loaded(), (Loaded{{"toy", true}, {"second", false}, {"third", true}}));
  EXPECT_EQ(made_by(""), third);  // the same folder under two names
  EXPECT_NE(second, third);
  EXPECT_EQ(submit(server.port(), small_photo(), {{"model", "other"}}).status, 422);  // a folder here, but no name
  EXPECT_EQ(Json::parse(ask(server.port(), "GET", "/v1/jobs").body)["jobs"].size(), 3U);
}

TEST_F(Serve, EveryOptionOfGenerateIsAnOptionOfJobs) {
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  const Json options = Json::parse(ask(server.port(), "GET", "/v1/capabilities").body)["options"]["properties"];
  std::set<std::string> known;
  for (const auto& [name, unused] : options.items()) known.insert(name);
  // What belongs to the command line, to the process, or to the machine; files that a client may not name.
  const std::set<std::string> others = {"help",    "output", "skip-existing", "json",          "view",
                                        "preview", "resume", "offload",       "matting-model", "model",
                                        "device",  "dtype",  "threads",       "quiet",         "up"};
  std::istringstream help(run_program(folder_.path(), "generate --help").out);
  int options_seen = 0;
  for (std::string line; std::getline(help, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, std::regex("^  (?:-[a-z],)?--([a-z0-9-]+)"))) continue;
    std::string name = match[1];
    if (others.count(name) != 0) continue;
    ++options_seen;
    if (name.starts_with("no-")) name = name.substr(3);
    std::replace(name.begin(), name.end(), '-', '_');
    EXPECT_EQ(known.count(name), 1U) << name;
  }
  EXPECT_GT(options_seen, 15);
}

TEST_F(Serve, CancelsAModelInTheMiddle) {
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  const std::string id = accepted_job(server, {{"steps", "10000"}});
  for (int i = 0; i < 6000; ++i) {
    const Json progress = job_at(server, id)["progress"];
    if (!progress.is_null() && progress["stage"] == "views" && progress["step"] > 1) break;
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(job_at(server, id)["progress"]["steps"], 10'000);
  EXPECT_EQ(ask(server.port(), "DELETE", "/v1/jobs/" + id).status, 202);
  EXPECT_EQ(ended_job(server, id)["state"], "cancelled");
}

/// kill -9 at moments spread over the work of three jobs: each accepted job ends, once, with all of its files.
TEST_F(Serve, KilledAtAnyMomentLosesNoJob) {
  constexpr int kills = 8;
  std::vector<std::string> ids;
  int began_again = 0;
  for (int kill = 0; kill < kills; ++kill) {
    Server server(folder_.path());
    ASSERT_GT(server.port(), 0);
    // A killed server's jobs are begun again by the next; one more is added.
    ids.push_back(accepted_job(server, quick_));
    std::this_thread::sleep_for(std::chrono::milliseconds(40 * kill * kill % 700));
    EXPECT_EQ(server.end(SIGKILL), 128 + SIGKILL);
  }
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  std::map<std::string, int> states;
  for (const std::string& id : ids) {
    const Json job = ended_job(server, id);
    ++states[job["state"]];
    began_again += job["attempts"] > 1 ? 1 : 0;
    if (job["state"] == "failed") {
      EXPECT_THAT(job["error"].get<std::string>(), HasSubstr("ended 3 times"));
      EXPECT_EQ(job["attempts"], 3);
      continue;
    }
    EXPECT_EQ(job["state"], "succeeded") << job;
    std::set<std::string> names;
    for (const Json& file : job["files"]) names.insert(file["name"]);
    for (const std::string name : {"object.ply", "views.png", "result.json"}) EXPECT_EQ(names.count(name), 1U) << name;
  }
  EXPECT_EQ(states["succeeded"] + states["failed"], kills);
  EXPECT_GE(began_again, 1) << "no kill came in the middle of a job";
  EXPECT_EQ(Json::parse(ask(server.port(), "GET", "/v1/jobs").body)["jobs"].size(), ids.size());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "data" / "inputs"), {}), kills);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "data" / "results"), {}), states["succeeded"]);
  RecordProperty("began_again", began_again);
}

TEST_F(Serve, SigtermFinishesWhatRuns) {
  std::string running, waiting;
  {
    Server server(folder_.path());
    ASSERT_GT(server.port(), 0);
    running = accepted_job(server, {{"steps", "300"}, {"mesh", "false"}}), waiting = accepted_job(server, quick_);
    while (job_at(server, running)["state"] == "queued") std::this_thread::sleep_for(5ms);
    EXPECT_EQ(server.end(SIGTERM), 0);
  }
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  EXPECT_EQ(job_at(server, running)["state"], "succeeded");
  EXPECT_EQ(job_at(server, running)["attempts"], 1);
  EXPECT_EQ(ended_job(server, waiting)["state"], "succeeded");
}

/// As systemd's Type=notify has it.
TEST_F(Serve, TellsTheServiceManagerWhenItIsReadyAndWhenItEnds) {
  const std::string path = folder_ / "notify";
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const timeval time{60, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  const auto told = [&] {
    std::array<char, 64> text{};
    const ssize_t size = ::recv(socket, text.data(), text.size(), 0);
    return std::string(text.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
  };
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  Server server(folder_.path());
  ::unsetenv("NOTIFY_SOCKET");
  ASSERT_GT(server.port(), 0);
  EXPECT_EQ(told(), "READY=1");
  EXPECT_EQ(server.end(SIGTERM), 0);
  EXPECT_EQ(told(), "STOPPING=1");
  ::close(socket);
}

TEST_F(Serve, WrongUseIsOneLine) {
  expect_one_line(run("--address 0.0.0.0"), 2, "token");
  expect_one_line(run("--address nowhere"), 2, "--address");
  expect_one_line(run("--workers 0"), 2, "nobody would do the jobs");
  expect_one_line(run_program(folder_.path(), "serve --port 0 --device cpu --data data --model missing"), 1, "missing");
  expect_one_line(run("--also-model toy"), 2, "NAME=FOLDER");
  expect_one_line(run("--also-model /x=toy"), 2, "NAME=FOLDER");
  expect_one_line(run("--also-model toy=toy"), 2, "two models of the name \"toy\"");
  expect_one_line(run("--also-model second=missing"), 1, "missing: no such model folder");
  put("short", "abc\n");
  expect_one_line(run("--token-file short"), 2, "16");
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  expect_one_line(run(""), 1, "used by another gsv3d serve");
  expect_one_line(
      run_program(folder_.path(), fmt::format("serve --model toy --device cpu --data other --port {}", server.port())), 1,
      "cannot listen on 127.0.0.1");
}

}  // namespace
}  // namespace gsv3d
#else
#include "program.h"

namespace gsv3d::testing {
namespace {

TEST_F(CommandTest, WithoutTheServiceItsCommandsSayThat) {
  for (const std::string name : {"serve", "worker", "submit"}) {
    expect_one_line(run_program(folder_.path(), name), 2, name + ": this program was built without it (GSV3D_WITH_SERVICE=OFF)");
    expect_one_line(run_program(folder_.path(), name + " --port 0 x"), 2, "built without it");
  }
}

}  // namespace
}  // namespace gsv3d::testing
#endif
