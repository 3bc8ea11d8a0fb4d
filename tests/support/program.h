// Runs the built program as a user does, and collects what it says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/atomic_file.h"
#include "temporary_folder.h"

namespace gsv3d::testing {

struct ProgramResult {
  int code = -1;
  std::string out, err;
  int64_t err_lines() const { return std::count(err.begin(), err.end(), '\n'); }
};

/// The program under test: the one that was built with the tests, or GSV3D_PROGRAM of the environment, for example one with
/// sanitizers.
inline std::string program_path() {
  const char* other = std::getenv("GSV3D_PROGRAM");
  return other ? other : GSV3D_PROGRAM;
}

/// Idle threads do not spin (OMP_WAIT_POLICY), since tests run side by side.
/// Runs `gsv3d ARGUMENTS` through the shell in `folder`; `before` goes in front of the program, for example "ulimit -f 8;".
inline ProgramResult run_program(const std::filesystem::path& folder, const std::string& arguments,
                                 const std::string& before = "") {
  const std::string command = "cd '" + folder.string() + "' && export OMP_WAIT_POLICY=passive; { " + before + " " +
                              program_path() + " " + arguments + "; } >.stdout 2>.stderr";
  const int status = std::system(command.c_str());
  ProgramResult result;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read_file(folder / ".stdout");
  result.err = read_file(folder / ".stderr");
  std::filesystem::remove(folder / ".stdout");
  std::filesystem::remove(folder / ".stderr");
  return result;
}

/// What every failure promises: this exit code and one line on stderr, which says `part`.
inline void expect_one_line(const ProgramResult& result, int code, const std::string& part) {
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_EQ(result.err_lines(), 1) << result.err;
  EXPECT_THAT(result.err, ::testing::StartsWith("gsv3d: "));
  EXPECT_THAT(result.err, ::testing::HasSubstr(part));
}

/// Tests of one command, each in a folder of its own.
class CommandTest : public ::testing::Test {
 protected:
  explicit CommandTest(std::string command = "") : command_(std::move(command)) {}
  ProgramResult run(const std::string& arguments, const std::string& before = "") const {
    return run_program(folder_.path(), command_ + " " + arguments, before);
  }
  void put(const std::string& name, const std::string& content) const { write_file(folder_ / name, content); }
  const TemporaryFolder folder_;

 private:
  std::string command_;
};

}  // namespace gsv3d::testing
