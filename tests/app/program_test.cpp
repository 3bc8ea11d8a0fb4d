#include "program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using ::testing::StartsWith;
using testing::TemporaryFolder;

TEST(Program, VersionAndHelp) {
  const TemporaryFolder folder;
  const ProgramResult version = run_program(folder.path(), "--version");
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, StartsWith("gsv3d "));
  const ProgramResult help = run_program(folder.path(), "--help");
  EXPECT_EQ(help.code, 0);
  for (const char* word : {"generate", "info", "data", "train", "eval", "Examples", "130"})
    EXPECT_THAT(help.out, HasSubstr(word));
  for (const char* command : {"generate", "info", "data", "train", "eval"}) {
    EXPECT_EQ(run_program(folder.path(), std::string(command) + " --help").code, 0) << command;
  }
}

TEST(Program, WrongUsageExitsWithTwo) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_program(folder.path(), "").code, 2);
  const ProgramResult result = run_program(folder.path(), "fly");
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.err_lines(), 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("fly"));
}

TEST(Program, MistypedWordsAreRecognised) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> typed = {
      {"generte photo.jpg", "unknown command \"generte\", did you mean \"generate\"? (see gsv3d --help)"},
      {"data rendr objects", "unknown command \"rendr\", did you mean \"render\"? (see gsv3d data --help)"},
      {"train decoder --modle m", "unknown option \"--modle\", did you mean \"--model\"? (see gsv3d train --help)"},
      {"generate photo.jpg --step 5", "unknown option \"--step\", did you mean \"--steps\"? (see gsv3d generate --help)"},
      {"info --zzzzzz", "unknown option \"--zzzzzz\" (see gsv3d info --help)"}};
  for (const auto& [words, answer] : typed) testing::expect_one_line(run_program(folder.path(), words), 2, answer);
}

/// Signals in the first instants, while libraries begin, end the program as later ones do.
TEST(Program, EarlySignalsEndAsLateOnes) {
  const TemporaryFolder folder;
  for (const char* signal : {"TERM", "HUP"}) {
    // As soon as the program catches SIGTERM and SIGHUP: bits 14 and 0.
    const std::string at_once = fmt::format(
        "at_once() {{ \"$@\" & until grep -q '^SigCgt.*[4-7c-f]..[13579bdf]$' /proc/$!/status; do :; done; kill -{} $!; wait $!; "
        "}}; at_once",
        signal);
    const ProgramResult result = run_program(folder.path(), "data render procedural:100000:1 -o out --size 64", at_once);
    EXPECT_EQ(result.code, 130) << signal << ": " << result.err;
    EXPECT_EQ(result.err, "gsv3d: cancelled\n") << signal;
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  }
  // And that is before the libraries, whose start takes most of a short run's time.
  const ProgramResult loading = run_program(folder.path(), "--version", "LD_DEBUG=libs");
  const size_t ours = loading.err.find("calling preinit: "), first = loading.err.find("calling init: ");
  ASSERT_NE(first, std::string::npos);
  EXPECT_LT(ours, first);
}

/// Threads that spin while they wait make a machine with other work many times slower: libgomp is told, unless users told it.
TEST(Program, WaitingThreadsSleep) {
  const TemporaryFolder folder;
  const auto policy = [&](const std::string& environment) {
    return run_program(folder.path(), "info", "env " + environment + " OMP_DISPLAY_ENV=true").err;
  };
  EXPECT_THAT(policy("-u OMP_WAIT_POLICY -u GOMP_SPINCOUNT"), HasSubstr("OMP_WAIT_POLICY = 'PASSIVE'"));
  EXPECT_THAT(policy("OMP_WAIT_POLICY=active"), HasSubstr("OMP_WAIT_POLICY = 'ACTIVE'"));
}

TEST(Program, FailsInOrderWhenNobodyCanBeTold) {
  const TemporaryFolder folder;
  EXPECT_EQ(run_program(folder.path(), "info --model nowhere 2>/dev/full").code, 1);
  EXPECT_EQ(run_program(folder.path(), "info --model nowhere 2>&-").code, 1);
  EXPECT_EQ(run_program(folder.path(), "2>/dev/full").code, 2);
}

TEST(Program, InfoListsPartsOfAModel) {
  const TemporaryFolder folder;
  initialise_model(folder / "toy", testing::toy_config(), 1);
  std::filesystem::remove(folder / "toy" / "dino.safetensors");
  const ProgramResult info = run_program(folder.path(), "info --model toy");
  EXPECT_EQ(info.code, 0) << info.err;
  for (const char* word : {"LibTorch", "CPU", "GPUs", "unet", "parameters", "3 views of 32 x 32"})
    EXPECT_THAT(info.out, HasSubstr(word));
  EXPECT_THAT(info.out, ::testing::ContainsRegex("dino +missing"));
  const ProgramResult missing = run_program(folder.path(), "info --model nowhere");
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.err_lines(), 1) << missing.err;
}

}  // namespace
}  // namespace gsv3d
