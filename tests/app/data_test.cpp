// gsv3d data and gsv3d model with what users get wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using testing::TemporaryFolder;

constexpr const char* kSmall = " --size 16 --orbit-views 3 --random-views 0";

class Data : public ::testing::Test {
 protected:
  void SetUp() override {
    put("objects/pyramid.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n");
  }
  ProgramResult data(const std::string& arguments, const std::string& before = "") const {
    return run_program(folder_.path(), "data " + arguments, before);
  }
  void put(const std::string& name, const std::string& content) const { write_file(folder_ / name, content); }
  void expect_one_line(const ProgramResult& result, int code, const std::string& part) const {
    testing::expect_one_line(result, code, part);
    EXPECT_FALSE(fs::exists(folder_ / "out"));
  }
  bool renders() const {
    const ProgramResult result = data(std::string("render objects -o probe") + kSmall);
    return result.code == 0 || result.err.find("Embree") == std::string::npos;
  }
  const TemporaryFolder folder_;
};

TEST_F(Data, RenderAndInspect) {
  if (!renders()) GTEST_SKIP() << "built without Embree";
  EXPECT_EQ(data(std::string("render objects -o out") + kSmall).code, 0);
  EXPECT_THAT(data("inspect out").out, HasSubstr("16 x 16"));
  const ProgramResult again = data(std::string("render objects -o out") + kSmall);
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("holds shards already"));
}

TEST_F(Data, LimitsAndTheirReport) {
  if (!renders()) GTEST_SKIP() << "built without Embree";
  put("objects/card.obj", "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0.001\nf 1 2 3 4\n");
  put("objects/nothing.obj", "v 0 0 0\n");
  const ProgramResult result = data(std::string("render objects -o out --min-thickness 0.01") + kSmall);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1 samples of 1 objects"));
  EXPECT_THAT(result.out, HasSubstr("2 objects skipped: 1 empty, 1 flat (report.csv)"));
  EXPECT_THAT(read_file(folder_ / "out/report.csv"), HasSubstr("id,outcome,reason,warnings\ncard,flat,"));
  testing::expect_one_line(data("render objects -o none --min-coverage 2"), 2, "--min-coverage");
  EXPECT_FALSE(fs::exists(folder_ / "none"));
}

TEST_F(Data, FullDiskIsNoObjectsFault) {
  if (!renders()) GTEST_SKIP() << "built without Embree";
  put("objects/second.obj", read_file(folder_ / "objects" / "pyramid.obj"));
  const ProgramResult result = data("render objects -o out --size 128 --orbit-views 9 --random-views 0", "ulimit -f 4;");
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write"));
  EXPECT_THAT(result.err, ::testing::Not(HasSubstr("skipped")));
  EXPECT_TRUE(fs::is_empty(folder_ / "out"));
}

TEST_F(Data, AbsurdNumbersAreUsageErrors) {
  for (const char* wrong : {"--size 0", "--size 100000", "--orbit-views 100000000", "--random-views -1", "--samples 100000",
                            "--elevations nan", "--seed -1"})
    expect_one_line(data(std::string("render objects -o out ") + wrong), 2, std::string(wrong).substr(0, 6));
  // Each number is allowed, but together they would take all memory.
  const ProgramResult result = data("render objects -o out --size 4096 --orbit-views 4096");
  EXPECT_EQ(result.code, 1);
}

TEST_F(Data, TrainingWithoutAModelAndCountsOutOfRange) {
  put("config.json", "{}");
  fs::create_directory(folder_ / "shards");
  const std::string train = "train vae --model nowhere --data shards --config config.json --run ";
  expect_one_line(run_program(folder_.path(), train + "config.json/run"), 1, "no such model folder");
  expect_one_line(data("render objects --limit -1 -o out"), 2, "is not a number from 0 to 1000000000");
}

TEST_F(Data, NothingThere) {
  expect_one_line(data("render nowhere -o out"), 1, "nowhere");
  fs::create_directory(folder_ / "empty");
  expect_one_line(data("render empty -o out"), 1, "no objects");
  expect_one_line(data("inspect empty"), 1, "no objects");
  expect_one_line(data("render objects -o out --split train"), 1, "train");
  expect_one_line(data("render objects"), 2, "gsv3d data render --help");
}

TEST_F(Data, DamagedPacks) {
  const ProgramResult packed = data("pack objects -o objects.pack");
  if (packed.err.find("WebP") != std::string::npos) GTEST_SKIP() << packed.err;
  ASSERT_EQ(packed.code, 0) << packed.err;
  const std::string pack = read_file(folder_ / "objects.pack");
  put("cut.pack", pack.substr(0, 12));
  expect_one_line(data("render cut.pack -o out"), 1, "damaged");
  put("short.pack", pack.substr(0, pack.size() - 3));
  expect_one_line(data("render short.pack -o out"), 1, "outside");
  for (const size_t at : {size_t{8}, size_t{16}}) {
    std::string huge = pack;
    huge.replace(at, 8, "\x01\x02\x03\x04\x05\x06\x07\x70");
    put("huge.pack", huge);
    expect_one_line(data("render huge.pack -o out"), 1, "damaged");
  }
}

TEST_F(Data, PackThatCannotBeWrittenIsFoundFirst) {
  expect_one_line(data("pack objects -o objects"), 1, "folder");
}

TEST(Model, LoraOfAModelWithoutOneIsRefused) {
  const TemporaryFolder folder;
  write_json_file(folder / "made" / "config.json", config_to_json(testing::toy_config()));
  testing::expect_one_line(run_program(folder.path(), "model lora made -o lora.safetensors"), 1, "has no LoRA");
  testing::expect_one_line(run_program(folder.path(), "model lora made -o lora.safetensors --names other"), 2, "--names");
  EXPECT_FALSE(fs::exists(folder / "lora.safetensors"));
}

TEST(Model, InitIsWholeOrNotThere) {
  const TemporaryFolder folder;
  write_json_file(folder / "config.json", config_to_json(testing::toy_config()));
  const ProgramResult full = run_program(folder.path(), "model init config.json -o made", "ulimit -f 4;");
  EXPECT_EQ(full.code, 1);
  EXPECT_EQ(full.err_lines(), 1) << full.err;
  EXPECT_FALSE(fs::exists(folder / "made"));
  EXPECT_EQ(run_program(folder.path(), "model init config.json -o made/").code, 0);
  EXPECT_EQ(run_program(folder.path(), "info --model made").code, 0);
}

}  // namespace
}  // namespace gsv3d
