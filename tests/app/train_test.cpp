// gsv3d train as a user runs it: what is refused, what is kept, what a run says of itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::expect_one_line;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ProgramResult;

class Train : public testing::CommandTest {
 protected:
  Train() : CommandTest("train vae --device cpu --model toy --config vae.json") {}
  void SetUp() override {
    const ProgramResult rendered = testing::run_program(
        folder_.path(), "data render procedural:2:1 -o shards --size 32 --orbit-views 3 --random-views 0 --samples 1 --quiet");
    if (rendered.err.find("Embree") != std::string::npos) GTEST_SKIP() << "built without Embree";
    ASSERT_EQ(rendered.code, 0) << rendered.err;
    EXPECT_EQ(rendered.out + rendered.err, "");
    write_json_file(folder_ / "toy" / "config.json", config_to_json(testing::toy_config()));
    configure(Json::object());
  }
  void configure(const Json& changes) const {
    Json settings = {{"steps", 2}, {"batch", 2}, {"warmup_steps", 0}};
    settings.update(changes);
    write_json_file(folder_ / "vae.json", settings);
  }
  ProgramResult train(const std::string& arguments, const std::string& before = "") const {
    return run("--data shards " + arguments, before);
  }
  std::string weights(const std::string& folder = "toy") const { return read_file(folder_ / folder / "vae.safetensors"); }
};

TEST_F(Train, RunFolderOfOtherSettingsOrAnotherSeedIsRefused) {
  ASSERT_EQ(train("--run run").code, 0);
  const std::string before = weights();
  expect_one_line(train("--run run --quiet --seed 3"), 1, "belongs to a run with another configuration, data or seed");
  configure({{"kl_weight", 1}});
  expect_one_line(train("--run run --quiet"), 1, "belongs to a run with another configuration, data or seed");
  EXPECT_TRUE(weights() == before);
}

TEST_F(Train, RunFolderOfAnotherTrainingThatRunsIsRefused) {
  expect_one_line(train("--run run --quiet", "mkdir run && exec 9<run && flock 9 &&"), 1,
                  "run is the run folder of a training that has not ended");
  EXPECT_TRUE(fs::is_empty(folder_ / "run"));
  EXPECT_EQ(train("--run run --quiet").code, 0);
}

TEST_F(Train, DryRunNeedsNeitherDataNorWeights) {
  const ProgramResult result = run("--dry-run 2 --try-step --recompute");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("each of 2 processes: 1 of a batch of 2, blocks recomputed"),
                                HasSubstr("estimated: peak"), HasSubstr("loss")));
  EXPECT_FALSE(fs::exists(folder_ / "toy" / "vae.safetensors"));
  configure({{"accumulate", 3}});
  EXPECT_THAT(run("--dry-run 2 --share-moments --quiet").out,
              HasSubstr("each of 2 processes: 1 of a batch of 2, its part of the moments; 3 batches make a step of 6\n"));
  configure(Json::object());
  EXPECT_THAT(run("--dry-run --quiet").out, HasSubstr("each of 1 processes: 2 of a batch of 2\n"));
  expect_one_line(run("--dry-run 3 --quiet"), 1, "a batch of 2 is not a multiple of 3 processes");
  expect_one_line(run("--data shards --quiet"), 2, "--run");
  expect_one_line(run("--run run --quiet"), 2, "--data");
}

/// Views that stay in their shards make the same weights; a quarter of the machine's memory holds these.
TEST_F(Train, LittleMemoryForDataMakesTheSameWeights) {
  const std::string fresh = read_file(folder_ / "toy" / "config.json");
  ASSERT_EQ(train("--run all --threads 1").code, 0);
  const std::string all = weights();
  write_file(folder_ / "toy" / "config.json", fresh);
  const ProgramResult some = train("--run some --threads 1 --data-memory 0.00001 --replace");
  ASSERT_EQ(some.code, 0) << some.err;
  EXPECT_THAT(some.err, HasSubstr("2.46e-05 GB of views stay in their shards, 1e-05 GB are kept in memory"));
  EXPECT_TRUE(weights() == all);
  expect_one_line(train("--run follow --quiet --data-memory 1 --follow"), 2, "--data-memory");
  expect_one_line(train("--run follow --quiet --data-memory=-1"), 2, "--data-memory");
}

/// A sample that is damaged is noticed when it is drawn: the run ends with an error, and goes on when it is mended.
TEST_F(Train, DamagedSampleOfALargeSetEndsTheRun) {
  fs::path shard;
  for (const auto& entry : fs::directory_iterator(folder_ / "shards"))
    if (entry.path().extension() == ".tar") shard = entry.path();
  const std::string whole = read_file(shard);
  std::string damaged = whole;
  const size_t at = damaged.find(".rgba.bin") / 512 * 512 + 512;
  for (size_t i = 0; i < 16; ++i) damaged[at + i] = 'x';
  write_file(shard, damaged);
  const std::string little = "--run run --quiet --threads 1 --steps 20 --data-memory 0";
  expect_one_line(train(little), 1, shard.filename().string() + ": 000000-");
  write_file(shard, whole);
  EXPECT_EQ(train(little).code, 0);
}

TEST_F(Train, FinishedRunSaysThatItIsFinished) {
  const ProgramResult first = train("--run run");
  EXPECT_THAT(first.out, AllOf(HasSubstr("vae: 2 steps in"), HasSubstr("last loss"))) << first.err;
  const std::string before = weights();
  const ProgramResult again = train("--run run");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("this run is finished, 2 steps"), Not(HasSubstr("loss"))));
  EXPECT_TRUE(weights() == before);
  EXPECT_FALSE(fs::exists(folder_ / "toy" / "previous-1"));
  EXPECT_THAT(train("--run run --steps 3").out, HasSubstr("3 steps in"));
  EXPECT_FALSE(weights() == before);
  EXPECT_FALSE(fs::exists(folder_ / "toy" / "previous-1")) << "a longer run replaces what it made itself";
}

TEST_F(Train, TrainedWeightsAreReplacedOnRequestOnlyAndKept) {
  ASSERT_EQ(train("--run first").code, 0);
  const std::string first = weights(), config = read_file(folder_ / "toy" / "config.json");
  // Before any data is read.
  expect_one_line(run("--data nowhere --run second --seed 2"), 1, "toy/vae.safetensors: holds trained weights");
  EXPECT_FALSE(fs::exists(folder_ / "second"));
  EXPECT_TRUE(weights() == first);

  EXPECT_EQ(train("--run second --seed 2 --replace").code, 0);
  const std::string second = weights();
  EXPECT_FALSE(second == first);
  EXPECT_TRUE(weights("toy/previous-1") == first);
  EXPECT_EQ(read_file(folder_ / "toy" / "previous-1" / "config.json"), config);

  configure({{"initial_weights", "model_folder"}, {"learning_rate", 1e-5}});
  EXPECT_EQ(train("--run further").code, 0);
  EXPECT_TRUE(weights("toy/previous-2") == second);
  expect_one_line(train("--run second --seed 2 --steps 3 --quiet"), 1, "holds trained weights");
}

TEST_F(Train, RandomWeightsOfModelInitAreNobodysWork) {
  ASSERT_EQ(testing::run_program(folder_.path(), "model init toy/config.json -o made").code, 0);
  const std::string before = weights("made");
  const ProgramResult result =
      testing::run_program(folder_.path(), "train vae --device cpu --model made --config vae.json --data shards --run run");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_FALSE(weights("made") == before);
  EXPECT_FALSE(fs::exists(folder_ / "made" / "previous-1"));
}

TEST_F(Train, InterruptedRunLeavesTheModelFolderAlone) {
  configure({{"steps", 1'000'000}, {"checkpoint_minutes", 1e-6}});
  // SIGTERM once the first weights are there.
  const ProgramResult stopped =
      train("--run run",
            "until_weights() { \"$@\" & until [ -e run/model_files.json ]; do sleep 0.1; done; kill $!; "
            "wait $!; }; until_weights");
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("run/model"));
  EXPECT_FALSE(fs::exists(folder_ / "toy" / "vae.safetensors"));
  EXPECT_EQ(testing::run_program(folder_.path(), "info --model run/model").code, 0);
  EXPECT_EQ(train("--run run --steps 1").code, 0) << "enough steps were done";
  EXPECT_TRUE(weights() == weights("run/model"));
  EXPECT_NE(read_model_config(folder_ / "toy").vae.scale_factor, testing::toy_config().vae.scale_factor);
}

TEST_F(Train, SettingsThatMakeNoSenseAreNamedBeforeDataIsRead) {
  const std::vector<std::pair<Json, std::string>> wrong = {
      {{{"l1_weight", -1}}, "vae.json.l1_weight = -1 is outside 0"},
      {{{"learning_rate", -0.001}}, "vae.json.learning_rate = -0.001"},
      {{{"recolor_probability", 1.5}}, "vae.json.recolor_probability = 1.5 is outside 0 … 1"},
      {{{"min_tint", -0.1}}, "vae.json.min_tint"},
      {{{"beta2", 1}}, "vae.json.beta2"},
      {{{"initial_weights", "pretrained"}}, "use one of random, model_folder"},
      {{{"steps", 0}}, "vae.json.steps = 0 is not 1 or more"},
      {{{"learning_rat", 1}}, "unknown key \"learning_rat\", did you mean \"learning_rate\"?"},
      {{{"recolour_probability", 1}}, "did you mean \"recolor_probability\"?"}};
  for (const auto& [changes, message] : wrong) {
    configure(changes);
    expect_one_line(run("--data nowhere --run run"), 1, message);
    EXPECT_FALSE(fs::exists(folder_ / "run"));
  }
  configure(Json::object());
  expect_one_line(
      testing::run_program(folder_.path(),
                           "train decoder --device cpu --model toy --config vae.json --data nowhere --follow --run run"),
      1, "data that grows needs \"encode_views\": \"on_the_fly\"");
}

}  // namespace
}  // namespace gsv3d
