// Launchers as they describe themselves in the environment.
#include "core/job_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "core/error.h"

namespace gsv3d {
namespace {

using Variables = std::map<std::string, std::string>;

/// Runs `work` with these variables and none of any launcher's else.
template <class Work>
auto with(const Variables& variables, const Work& work) {
  for (const char* name : {"RANK",
                           "WORLD_SIZE",
                           "LOCAL_RANK",
                           "LOCAL_WORLD_SIZE",
                           "TORCHELASTIC_RUN_ID",
                           "MASTER_ADDR",
                           "MASTER_PORT",
                           "OMPI_COMM_WORLD_RANK",
                           "OMPI_COMM_WORLD_SIZE",
                           "OMPI_COMM_WORLD_LOCAL_RANK",
                           "OMPI_COMM_WORLD_LOCAL_SIZE",
                           "PMIX_NAMESPACE",
                           "SLURM_PROCID",
                           "SLURM_STEP_NUM_TASKS",
                           "SLURM_LOCALID",
                           "SLURM_NTASKS_PER_NODE",
                           "SLURM_STEP_NODELIST",
                           "SLURM_JOB_ID",
                           "SLURM_ARRAY_TASK_ID",
                           "SLURM_ARRAY_TASK_MIN",
                           "SLURM_ARRAY_TASK_MAX",
                           "SLURM_ARRAY_TASK_COUNT",
                           "JOB_COMPLETION_INDEX",
                           "JOB_COMPLETIONS"})
    ::unsetenv(name);
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
  return work();
}

JobPlace place(const Variables& variables) {
  return with(variables, job_place);
}

std::string refusal(const Variables& variables, const std::string& shard = "") {
  try {
    with(variables, [&] {
      if (shard.empty())
        job_place();
      else
        parse_shard(shard);
    });
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

void expect_place(const JobPlace& place, const std::string& source, std::vector<int64_t> numbers, const std::string& address) {
  EXPECT_EQ(place.source, source);
  EXPECT_EQ((std::vector<int64_t>{place.rank, place.size, place.local_rank, place.local_size}), numbers);
  EXPECT_EQ(place.address, address);
}

TEST(JobPlace, AloneUnlessALauncherSpeaks) {
  expect_place(place({}), "", {0, 1, 0, 1}, "127.0.0.1");
  expect_place(place({{"SLURM_PROCID", "0"}, {"SLURM_JOB_ID", "7"}}), "", {0, 1, 0, 1},
               "127.0.0.1");  // a batch script without srun
}

TEST(JobPlace, ReadsTheLaunchersVariables) {
  const JobPlace torchrun = place({{"RANK", "5"},
                                   {"WORLD_SIZE", "8"},
                                   {"LOCAL_RANK", "1"},
                                   {"LOCAL_WORLD_SIZE", "4"},
                                   {"MASTER_ADDR", "head"},
                                   {"MASTER_PORT", "1234"}});
  expect_place(torchrun, "torchrun", {5, 8, 1, 4}, "head");
  EXPECT_EQ(torchrun.port, 1234);
  expect_place(place({{"RANK", "1"}, {"WORLD_SIZE", "2"}}), "torchrun", {1, 2, 1, 2}, "127.0.0.1");
  const Variables openmpi = {{"OMPI_COMM_WORLD_RANK", "1"},
                             {"OMPI_COMM_WORLD_SIZE", "2"},
                             {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                             {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                             {"PMIX_NAMESPACE", "771"}};
  expect_place(place(openmpi), "OpenMPI", {1, 2, 1, 2}, "127.0.0.1");
  Variables other_job = openmpi;
  other_job["PMIX_NAMESPACE"] = "772";
  EXPECT_EQ(place(openmpi).port, place(openmpi).port);
  EXPECT_NE(place(openmpi).port, place(other_job).port);
  const Variables slurm = {{"SLURM_PROCID", "9"},          {"SLURM_STEP_NUM_TASKS", "16"},           {"SLURM_LOCALID", "1"},
                           {"SLURM_NTASKS_PER_NODE", "8"}, {"SLURM_STEP_NODELIST", "gpu[03-04,09]"}, {"SLURM_JOB_ID", "42"}};
  expect_place(place(slurm), "Slurm", {9, 16, 1, 8}, "gpu03");
  Variables one_host = slurm;
  one_host["SLURM_STEP_NODELIST"] = "alpha,beta";
  EXPECT_EQ(place(one_host).address, "alpha");
}

TEST(JobPlace, ContradictionsAreRefused) {
  EXPECT_THAT(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), ::testing::HasSubstr("RANK = 2 and WORLD_SIZE = 2 do not fit"));
  EXPECT_THAT(refusal({{"RANK", "x"}, {"WORLD_SIZE", "2"}}), ::testing::HasSubstr("RANK is \"x\""));
  EXPECT_THAT(refusal({{"WORLD_SIZE", "2"}}), ::testing::HasSubstr("RANK is not"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}}), ::testing::HasSubstr("70000 is no port"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "4"}, {"LOCAL_WORLD_SIZE", "2"}}), ::testing::HasSubstr("set MASTER_ADDR"));
}

std::pair<int64_t, int64_t> shard(const std::string& text, const Variables& variables = {}) {
  const Shard shard = with(variables, [&] { return parse_shard(text); });
  return {shard.index, shard.count};
}

TEST(Shard, IsWrittenOrReadFromTheEnvironment) {
  const auto is = [](int64_t index, int64_t count) { return std::pair(index, count); };
  EXPECT_EQ(shard("3/8"), is(3, 8));
  EXPECT_EQ(shard("auto", {{"SLURM_ARRAY_TASK_ID", "5"},
                           {"SLURM_ARRAY_TASK_MIN", "1"},
                           {"SLURM_ARRAY_TASK_MAX", "16"},
                           {"SLURM_ARRAY_TASK_COUNT", "16"},
                           {"SLURM_PROCID", "0"}}),
            is(4, 16));
  EXPECT_EQ(shard("auto", {{"JOB_COMPLETION_INDEX", "0"}, {"JOB_COMPLETIONS", "4"}}), is(0, 4));
  EXPECT_EQ(shard("auto", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "3"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "3"}}),
            is(1, 3));
  EXPECT_EQ(shard("auto", {{"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_STEP_NODELIST", "a[1-4]"}}), is(2, 4));
}

TEST(Shard, WhatDoesNotFitIsRefused) {
  for (const char* wrong : {"3", "8/8", "-1/8", "1/0", "a/2", "1/", "/2"}) EXPECT_NE(refusal({}, wrong), "") << wrong;
  EXPECT_THAT(refusal({}, "auto"), ::testing::HasSubstr("neither Slurm nor OpenMPI nor Kubernetes"));
  EXPECT_THAT(refusal({{"JOB_COMPLETION_INDEX", "1"}}, "auto"), ::testing::HasSubstr("set JOB_COMPLETIONS"));
  EXPECT_THAT(refusal({{"SLURM_ARRAY_TASK_ID", "4"},
                       {"SLURM_ARRAY_TASK_MIN", "0"},
                       {"SLURM_ARRAY_TASK_MAX", "8"},
                       {"SLURM_ARRAY_TASK_COUNT", "5"}},
                      "auto"),
              ::testing::HasSubstr("without gaps"));
}

}  // namespace
}  // namespace gsv3d
