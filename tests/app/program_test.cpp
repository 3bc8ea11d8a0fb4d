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
