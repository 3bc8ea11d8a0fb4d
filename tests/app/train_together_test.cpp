// gsv3d train in two processes, as mpirun, srun or torchrun start it: the numbers of one process, one end for both.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <sstream>

#include "core/config.h"
#include "core/safetensors.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ProgramResult;

/// A port of this machine that nobody listens on.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

std::vector<std::vector<std::string>> table(const fs::path& path) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

void expect_equal_checkpoints(const fs::path& a, const fs::path& b) {
  const SafetensorsFile first(a / "checkpoint.safetensors"), second(b / "checkpoint.safetensors");
  ASSERT_GT(first.entries().size(), 20U);
  ASSERT_EQ(first.entries().size(), second.entries().size());
  EXPECT_EQ(first.metadata().at("step"), second.metadata().at("step"));
  for (const auto& [name, entry] : first.entries()) {
    if (name == "pending_metrics") continue;  // a clock is in it
    EXPECT_TRUE(at::equal(first.tensor(name), second.tensor(name))) << name;
  }
}

class TrainTogether : public testing::CommandTest {
 protected:
  TrainTogether() : CommandTest("train") {}
  void SetUp() override {
    const ProgramResult rendered = testing::run_program(
        folder_.path(), "data render procedural:3:1 -o shards --size 32 --orbit-views 6 --random-views 2 --samples 1 --quiet");
    if (rendered.err.find("Embree") != std::string::npos) GTEST_SKIP() << "built without Embree";
    ASSERT_EQ(rendered.code, 0) << rendered.err;
    testing::initialise_toy_model(folder_ / "model", 1);
    configure("vae", Json::object());
  }
  void configure(const std::string& stage, const Json& changes) const {
    Json settings = {{"steps", 6}, {"batch", 4}, {"warmup_steps", 0}, {"learning_rate", 1e-3}, {"log_steps", 1}};
    settings.update(changes);
    write_json_file(folder_ / (stage + ".json"), settings);
  }
  /// With a model folder of its own, which a run changes at its end.
  std::string arguments(const std::string& stage, const std::string& run) const {
    if (!fs::exists(folder_ / ("model-" + run))) fs::copy(folder_ / "model", folder_ / ("model-" + run));
    return stage + " --device cpu --dtype fp32 --threads 1 --model model-" + run + " --replace --data shards --config " + stage +
           ".json --run " + run;
  }
  /// Two processes; what process 1 says goes to other.err, its exit code to other.code. `then` runs beside them, with their
  /// numbers in $first and $second. Process 1 gets the options `for_second`, too.
  ProgramResult together(const std::string& arguments, const std::string& then = "", const std::string& for_second = "") const {
    const std::string place =
        fmt::format("WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT={} LOCAL_RANK=", free_port());
    return run(arguments, "both() { RANK=1 " + place + "1 \"$@\" " + for_second + " >other.out 2>other.err & second=$!; RANK=0 " +
                              place + "0 \"$@\" & first=$!; " + then +
                              " wait $second; echo $? >other.code; wait $first; }; both");
  }
  std::string other(const std::string& what) const { return read_file(folder_ / ("other." + what)); }

  /// Trains with one process and with two; every number of every step must be the same to 1e-4.
  void expect_same_curve(const std::string& stage, const std::string& options = "") const {
    const ProgramResult one = run(arguments(stage, stage + "-one") + options);
    ASSERT_EQ(one.code, 0) << one.err;
    const ProgramResult two = together(arguments(stage, stage + "-two") + options);
    ASSERT_EQ(two.code, 0) << two.err << other("err");
    EXPECT_EQ(other("code"), "0\n");
    EXPECT_EQ(other("out") + other("err"), "") << "the first process speaks for both";
    EXPECT_THAT(two.err, HasSubstr("2 processes (torchrun, Gloo), 2 of 4 items"));
    const auto single = table(folder_ / (stage + "-one") / "metrics.csv"),
               both = table(folder_ / (stage + "-two") / "metrics.csv");
    ASSERT_EQ(single.size(), 7U);
    ASSERT_EQ(both.size(), 7U);
    EXPECT_EQ(single[0], both[0]);
    for (size_t row = 1; row < single.size(); ++row) {
      for (size_t column = 0; column < single[0].size(); ++column) {
        if (single[0][column] == "seconds" || single[0][column] == "samples_per_second") continue;
        const double a = std::stod(single[row][column]), b = std::stod(both[row][column]);
        EXPECT_LE(std::abs(a - b), 1e-4 * std::max(std::abs(a), 1e-3))
            << stage << " " << single[0][column] << " of step " << row << ": " << a << ", " << b;
      }
    }
    EXPECT_NE(single[1][6], single[6][6]) << "a loss that changes";
  }
};

TEST_F(TrainTogether, AutoencodersCurveIsThatOfOneProcess) {
  configure("vae", {{"edge_weight", 0.3}});
  expect_same_curve("vae");
}

TEST_F(TrainTogether, DiffusionsCurveIsThatOfOneProcess) {
  configure("diffusion",
            {{"sampler_share", 0.5}, {"condition_dropout", 0.4}, {"recolor_probability", 0.5}, {"encode_views", "on_the_fly"}});
  expect_same_curve("diffusion");
}

TEST_F(TrainTogether, DecodersCurveIsThatOfOneProcess) {
  configure("decoder", {{"sampled_share", 0.75}, {"surface_weight", 0.5}});  // 2 clips of process 0, 1 of process 1
  expect_same_curve("decoder");
}

/// With Adam's moments shared out, the bytes of two processes that keep all, in two sessions (each to the end of its schedule).
/// One process goes on from there.
TEST_F(TrainTogether, SharedMomentsChangeNothing) {
  configure("decoder", Json::object());
  ASSERT_EQ(together(arguments("decoder", "all") + " --steps 3").code, 0) << other("err");
  ASSERT_EQ(together(arguments("decoder", "all")).code, 0) << other("err");
  const std::string shared = arguments("decoder", "shared") + " --share-moments";
  ASSERT_EQ(together(shared + " --steps 3").code, 0) << other("err");
  const ProgramResult resumed = together(shared);
  ASSERT_EQ(resumed.code, 0) << resumed.err << other("err");
  EXPECT_THAT(resumed.err, HasSubstr("resuming at step 3"));
  expect_equal_checkpoints(folder_ / "all", folder_ / "shared");
  const ProgramResult alone = run(shared + " --steps 7");
  EXPECT_EQ(alone.code, 0) << alone.err;
  EXPECT_THAT(alone.err, HasSubstr("resuming at step 6"));
  EXPECT_EQ(SafetensorsFile(folder_ / "shared" / "checkpoint.safetensors").metadata().at("step"), "7");
}

/// The same for data in its shards and steps of two batches: processes exchange gradients once a step.
TEST_F(TrainTogether, CurveOfStepsOfTwoBatchesFromShardsIsThatOfOneProcess) {
  configure("vae", {{"accumulate", 2}, {"saturation_weight", 1.5}});
  expect_same_curve("vae", " --data-memory 0 --share-moments");
  configure("decoder", {{"accumulate", 2}});
  expect_same_curve("decoder", " --data-memory 0 --share-moments");
}

TEST_F(TrainTogether, DistillationsCurveIsThatOfOneProcess) {
  // Some clips are rendered, in some steps none of a process.
  configure("distill", {{"p_mean", 0}, {"condition_dropout", 0.5}, {"surface_weight", 0.5}, {"train_decoder", true}});
  expect_same_curve("distill");
  const auto rows = table(folder_ / "distill-two" / "metrics.csv");
  const auto column = static_cast<size_t>(std::find(rows[0].begin(), rows[0].end(), "rendered_share") - rows[0].begin());
  bool uneven = false;
  for (size_t row = 1; row < rows.size(); ++row) uneven = uneven || rows[row][column] == "0.25";
  EXPECT_TRUE(uneven) << "one clip of four, so one process renders none";
}

TEST_F(TrainTogether, BalancedDistillationsCurveIsThatOfOneProcess) {
  configure("distill", {{"p_mean", 0},
                        {"condition_dropout", 0.5},
                        {"sampler_share", 0.5},
                        {"on_policy", 0.5},
                        {"balance_gradients", true},
                        {"train_decoder", true}});
  expect_same_curve("distill");
}

TEST_F(TrainTogether, SignalToOneStopsBothAndTheRunGoesOnExactly) {
  ASSERT_EQ(together(arguments("vae", "whole") + " --quiet --steps 60").code, 0);
  for (const char* signal : {"USR1", "TERM"}) {
    const std::string run = std::string("interrupted-") + signal;
    configure("vae", {{"checkpoint_minutes", 1e-6}});
    const ProgramResult stopped =
        together(arguments("vae", run) + " --steps 60", std::string("until [ -e ") + run +
                                                            "/checkpoint.safetensors ]; do sleep 0.05; done; "
                                                            "kill -" +
                                                            signal + " $second;");
    EXPECT_EQ(stopped.code, 130) << stopped.err;
    EXPECT_EQ(other("code"), "130\n");
    EXPECT_EQ(other("err"), "");
    EXPECT_THAT(stopped.err, HasSubstr("the same command goes on from here"));
    configure("vae", Json::object());
    const ProgramResult on = together(arguments("vae", run) + " --steps 60");
    EXPECT_EQ(on.code, 0) << on.err;
    EXPECT_THAT(on.err, HasSubstr("resuming at step"));
    expect_equal_checkpoints(folder_ / "whole", folder_ / run);
  }
}

TEST_F(TrainTogether, KilledProcessEndsTheOtherAndOneProcessGoesOn) {
  configure("vae", {{"checkpoint_minutes", 1e-6}});
  const ProgramResult lost = together(arguments("vae", "run") + " --steps 1000000",
                                      "until [ -e run/checkpoint.safetensors ]; do sleep 0.05; done; kill -KILL $second;");
  EXPECT_EQ(lost.code, 1) << lost.err;
  EXPECT_THAT(lost.err, HasSubstr("gsv3d: process 0 of 2 lost another one of them"));
  EXPECT_FALSE(fs::exists(folder_ / "model-run" / "previous-1"));
  const ProgramResult alone = run(arguments("vae", "run") + " --steps 1");
  EXPECT_EQ(alone.code, 0) << alone.err;
  EXPECT_THAT(alone.err, HasSubstr("resuming at step"));
}

TEST_F(TrainTogether, WhatDoesNotFitIsRefused) {
  const std::string train = arguments("vae", "run");
  testing::expect_one_line(run(train + " --quiet", "RANK=2 WORLD_SIZE=2"), 2, "RANK = 2 and WORLD_SIZE = 2 do not fit");
  testing::expect_one_line(run(train + " --quiet", "WORLD_SIZE=2"), 2, "WORLD_SIZE is set, but RANK is not");
  testing::expect_one_line(run(train + " --quiet", "RANK=0 WORLD_SIZE=two"), 2, "WORLD_SIZE is \"two\"");
  configure("vae", {{"batch", 3}});
  testing::expect_one_line(together(train + " --quiet"), 1, "a batch of 3 items cannot be shared by 2 processes");
  configure("vae", Json::object());
  EXPECT_EQ(together(train + " --quiet", "", "--seed 7").code, 1);
  EXPECT_THAT(other("err"), HasSubstr("process 1 of 2 has other settings, data or another seed than process 0"));
}

}  // namespace
}  // namespace gsv3d
