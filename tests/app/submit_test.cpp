// gsv3d submit: what it fetches is what gsv3d generate makes; Ctrl-C cancels; every refusal is one line.
#if GSV3D_WITH_SERVICE
#include <set>

#include "server_process.h"
#include "toy_text_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using namespace testing;

class Submit : public CommandTest {
 protected:
  Submit() {
    initialise_toy_model(folder_ / "toy", 1);
    put("cup.png", small_photo());
  }
  ProgramResult submit_to(const Server& server, const std::string& arguments) const {
    return run_program(folder_.path(), "submit --server " + server.address() + " " + arguments);
  }
  const std::string options_ = " --steps 2 --seed 18446744073709551615 --no-mesh";
};

TEST_F(Submit, FetchesWhatGenerateMakes) {
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  put("side.png", small_photo());
  const std::string photos = "cup.png --view 90:side.png" + options_;
  const ProgramResult result = submit_to(server, photos + " -o fetched");
  ASSERT_EQ(result.code, 0) << result.err;
  ASSERT_EQ(run_program(folder_.path(), "generate --model toy --device cpu --threads 1 " + photos + " -o made").code, 0);
  for (const std::string name : {"object.ply", "views.png"})
    EXPECT_EQ(read_file(folder_ / "fetched" / "cup" / name), read_file(folder_ / "made" / "cup" / name)) << name;
  EXPECT_EQ(Json::parse(read_file(folder_ / "fetched" / "cup" / "result.json"))["seed"], 18446744073709551615ULL);
  EXPECT_THAT(result.out, HasSubstr("fetched/cup/object.ply"));
  EXPECT_FALSE(fs::exists(folder_ / "fetched" / "cup" / "object.glb"));
}

TEST_F(Submit, ChoosesAModelOfTheServiceByItsName) {
  initialise_toy_model(folder_ / "other", 2);
  Server server(folder_.path(), {"--also-model", "second=other"});
  ASSERT_GT(server.port(), 0);
  const ProgramResult result = submit_to(server, "cup.png --model second -o fetched" + options_);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(Json::parse(read_file(folder_ / "fetched" / "cup" / "result.json"))["model"]["name"], "second");
  expect_one_line(submit_to(server, "cup.png --model other -o none" + options_), 1,
                  "there is no model \"other\": use one of toy, second");
}

TEST_F(Submit, WordsBecomeWhatTextMakes) {
  initialise_toy_model(folder_ / "words", 1);
  add_toy_text_model(folder_ / "words", toy_text_config({"chair", "red"}), 4);
  Server server(folder_.path(), {"--text-model", "words"});
  ASSERT_GT(server.port(), 0);
  const ProgramResult result = submit_to(server, "--text 'Red chair' --no-matting -o fetched" + options_);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("fetched/Red-chair/picture.png"));
  const std::string words = "text 'Red chair' --no-matting --model toy --text-model words --device cpu --threads 1 -o made";
  ASSERT_EQ(run_program(folder_.path(), words + options_).code, 0);
  for (const std::string name : {"picture.png", "object.ply", "views.png"})
    EXPECT_EQ(read_file(folder_ / "fetched" / "Red-chair" / name), read_file(folder_ / "made" / "Red-chair" / name)) << name;
  expect_one_line(submit_to(server, "--text chiar -o none" + options_), 1, "text: this model knows 2 words");
  expect_one_line(submit_to(server, "--text '' -o none"), 1, "the text is empty");
  expect_one_line(submit_to(server, "-o none"), 2, "a photo, or --text");
  expect_one_line(submit_to(server, "--text chair --view 90:cup.png"), 2, "--view");
  EXPECT_FALSE(fs::exists(folder_ / "none"));
}

TEST_F(Submit, AFolderOfPhotosWithOneThatIsBroken) {
  Server server(folder_.path(), {"--queue", "1"});  // the second waits for room
  ASSERT_GT(server.port(), 0);
  for (const char* name : {"a.png", "b.png"}) put(std::string("photos/") + name, small_photo());
  put("photos/broken.png", "no picture");
  const ProgramResult result = submit_to(server, "photos --json -o out" + options_);
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("gsv3d: photos/broken.png: "));
  const Json report = Json::parse(result.out);
  EXPECT_EQ(report["made"].size(), 2U);
  EXPECT_EQ(report["failed"].size(), 1U);
  for (const std::string name : {"a", "b"}) EXPECT_TRUE(fs::exists(folder_ / "out" / name / "object.ply")) << name;
  fs::remove(folder_ / "photos" / "broken.png");
  const ProgramResult again = submit_to(server, "photos --skip-existing --json -o out" + options_);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(Json::parse(again.out)["skipped"].size(), 2U);
  EXPECT_EQ(Json::parse(ask(server.port(), "GET", "/v1/jobs").body)["jobs"].size(), 2U);
}

TEST_F(Submit, CtrlCCancelsTheJob) {
  Server server(folder_.path());
  ASSERT_GT(server.port(), 0);
  RunningProgram client(folder_.path(), {"submit", "cup.png", "--server", server.address(), "--steps", "10000", "-o", "out"},
                        false);
  Json jobs = Json::array();
  for (int i = 0; i < 12'000 && (jobs.empty() || jobs[0]["state"] != "running"); ++i) {
    jobs = Json::parse(ask(server.port(), "GET", "/v1/jobs").body)["jobs"];
    std::this_thread::sleep_for(10ms);
  }
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(client.end(SIGINT), 130);
  EXPECT_EQ(ended_job(server, jobs[0]["id"])["state"], "cancelled");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(Submit, TheServersWordsAreOneLine) {
  put("token", "0123456789abcdef\n"), put("wrong", "0123456789abcdeX\n");
  Server server(folder_.path(), {"--token-file", "token"});
  ASSERT_GT(server.port(), 0);
  expect_one_line(submit_to(server, "cup.png"), 1, "cup.png: ");
  expect_one_line(submit_to(server, "cup.png --token-file wrong"), 1, "cup.png: ");
  expect_one_line(submit_to(server, "cup.png --token-file token --size 7"), 1, "cup.png: ");
  expect_one_line(submit_to(server, "cup.png --token-file token --steps 0"), 2, "--steps");
  expect_one_line(submit_to(server, "missing.png --token-file token"), 1, "missing.png");
  expect_one_line(run_program(folder_.path(), "submit cup.png --server ftp://x"), 2, "--server");
  expect_one_line(run_program(folder_.path(), "submit cup.png --server http://127.0.0.1:9"), 1, "http://127.0.0.1:9: ");
  EXPECT_EQ(submit_to(server, "cup.png --token-file token --quiet -o out" + options_).code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "out" / "cup" / "object.glb"));
}

TEST_F(Submit, HasEveryOptionOfGenerate) {
  const auto options_of = [&](const std::string& command) {
    std::set<std::string> names;
    std::istringstream help(run_program(folder_.path(), command + " --help").out);
    for (std::string line; std::getline(help, line);) {
      std::smatch match;
      if (std::regex_search(line, match, std::regex("^  (?:-[a-z],)?--([a-z0-9-]+)"))) {
        const std::string name = match[1];
        names.insert(name.starts_with("no-") ? name.substr(3) : name);
      }
    }
    return names;
  };
  const std::set<std::string> submits = options_of("submit");
  // What belongs to the process that has the model, and to the files beside it.
  const std::set<std::string> others = {"preview", "resume", "offload", "matting-model", "device", "dtype", "threads", "up"};
  int seen = 0;
  for (const std::string& name : options_of("generate")) {
    EXPECT_EQ(submits.count(name), others.count(name) == 0 ? 1U : 0U) << name;
    ++seen;
  }
  EXPECT_GT(seen, 25);
}

}  // namespace
}  // namespace gsv3d
#endif
