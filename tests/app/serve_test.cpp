// gsv3d serve as users run it: a photo becomes an object, and no end of the program loses a job.
#if GSV3D_WITH_SERVICE
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <regex>
#include <set>

#include "core/config.h"
#include "http_client.h"
#include "image/image.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using namespace testing;

std::string photo() {
  Image image = blank_image(32, 32, 200, 120, 40, 0);
  for (int64_t y = 8; y < 24; ++y)
    for (int64_t x = 8; x < 24; ++x) image.at(x, y)[3] = 255;
  return encode_png(image);
}

/// The program as a process of its own; it is killed when the test ends.
class Server {
 public:
  explicit Server(const fs::path& folder, const std::vector<std::string>& more = {}) {
    static int number = 0;
    const fs::path out = folder / fmt::format("out{}", ++number);
    std::vector<std::string> words = {program_path(), "serve", "--port", "0",    "--model",   "toy",
                                      "--device",     "cpu",   "--data", "data", "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    process_ = ::fork();
    if (process_ == 0) {
      ::setenv("OMP_WAIT_POLICY", "passive", 1);
      if (::chdir(folder.c_str()) != 0) ::_exit(127);
      ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
      ::dup2(::open((out.string() + ".err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    for (int i = 0; i < 12'000 && port_ == 0; ++i) {
      std::ifstream file(out);
      std::string line;
      std::smatch match;
      if (std::getline(file, line) && std::regex_search(line, match, std::regex("http://127.0.0.1:(\\d+)/$")))
        port_ = std::stoi(match[1]);
      else
        std::this_thread::sleep_for(10ms);
    }
  }
  ~Server() {
    if (process_ > 0) end(SIGKILL);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  int port() const { return port_; }
  void signal(int number) const { ::kill(process_, number); }
  /// → The exit code, 128 + the signal's number.
  int end(int number) {
    signal(number);
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t process_ = 0;
  int port_ = 0;
};

class Serve : public CommandTest {
 protected:
  Serve() : CommandTest("serve --port 0 --model toy --device cpu --data data") { initialise_toy_model(folder_ / "toy", 1); }
  static Json job(const Server& server, const std::string& id) {
    return Json::parse(ask(server.port(), "GET", "/v1/jobs/" + id).body);
  }
  static bool is_ended(const Json& job) { return job["state"] != "queued" && job["state"] != "running"; }
  static Json ended(const Server& server, const std::string& id) {
    for (int i = 0; i < 12'000; ++i) {
      Json now = job(server, id);
      if (is_ended(now)) return now;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "the job does not end";
    return job(server, id);
  }
  static std::string accepted(const Server& server, const std::map<std::string, std::string>& fields) {
    const HttpAnswer answer = submit(server.port(), photo(), fields);
    EXPECT_EQ(answer.status, 202) << answer.body;
    return Json::parse(answer.body)["id"];
  }
  const std::map<std::string, std::string> quick_ = {{"steps", "2"}, {"mesh", "false"}};
};

TEST_F(Serve, GivesWhatGenerateGives) {
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  const std::string id = accepted(server, {{"steps", "2"}, {"seed", "4"}, {"mesh", "false"}});
  const Json job = ended(server, id);
  ASSERT_EQ(job["state"], "succeeded") << job;
  save_png(folder_ / "cup.png", decode_png(photo()));
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
  const std::string id = accepted(server, {{"steps", "10000"}});
  for (int i = 0; i < 6000; ++i) {
    const Json progress = job(server, id)["progress"];
    if (!progress.is_null() && progress["stage"] == "views" && progress["step"] > 1) break;
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(job(server, id)["progress"]["steps"], 10'000);
  EXPECT_EQ(ask(server.port(), "DELETE", "/v1/jobs/" + id).status, 202);
  EXPECT_EQ(ended(server, id)["state"], "cancelled");
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
    ids.push_back(accepted(server, quick_));
    std::this_thread::sleep_for(std::chrono::milliseconds(40 * kill * kill % 700));
    EXPECT_EQ(server.end(SIGKILL), 128 + SIGKILL);
  }
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  std::map<std::string, int> states;
  for (const std::string& id : ids) {
    const Json job = ended(server, id);
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
    running = accepted(server, {{"steps", "300"}, {"mesh", "false"}}), waiting = accepted(server, quick_);
    while (job(server, running)["state"] == "queued") std::this_thread::sleep_for(5ms);
    EXPECT_EQ(server.end(SIGTERM), 0);
  }
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  EXPECT_EQ(job(server, running)["state"], "succeeded");
  EXPECT_EQ(job(server, running)["attempts"], 1);
  EXPECT_EQ(ended(server, waiting)["state"], "succeeded");
}

TEST_F(Serve, WrongUseIsOneLine) {
  expect_one_line(run("--address 0.0.0.0"), 2, "token");
  expect_one_line(run("--address nowhere"), 2, "--address");
  expect_one_line(run_program(folder_.path(), "serve --port 0 --device cpu --data data --model missing"), 1, "missing");
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
#endif
