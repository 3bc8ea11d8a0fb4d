// gsv3d doctor as a user runs it: a report without personal folders, and exit code 1 that names what failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using testing::expect_one_line;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ProgramResult;

class Doctor : public testing::CommandTest {
 protected:
  Doctor() : CommandTest("doctor --device cpu --quiet --model \"$PWD/home/toy\"") {
    testing::initialise_toy_model(folder_ / "home" / "toy", 1);
  }
  ProgramResult doctor(const std::string& arguments = "") const { return run(arguments, "HOME=\"$PWD/home\""); }
};

TEST_F(Doctor, EverythingIsThereAndHomeIsATilde) {
  const ProgramResult result = doctor();
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("\"toy\" in ~/toy: 3 views of 32 x 32"), Not(HasSubstr((folder_ / "home").string())),
                                ContainsRegex("ok +model file +unet: [0-9]+ bytes, [0-9]+ tensors, CRC-32C [0-9a-f]{8}"),
                                ContainsRegex("ok +run +[0-9]+ Gaussians"), ContainsRegex("all [0-9]+ checks passed")));
  EXPECT_THAT(doctor("--no-run").out, HasSubstr("not checked: --no-run"));
}

TEST_F(Doctor, NamesWhatFailed) {
  put("home/toy/unet.safetensors", "damaged");
  const ProgramResult damaged = doctor();
  expect_one_line(damaged, 1, "checks failed: model file, loading");
  EXPECT_THAT(damaged.out, ContainsRegex("FAIL +loading"));
  put("file", "");
  expect_one_line(doctor("-o file"), 1, "checks failed: disk, model file, loading");
  std::filesystem::remove_all(folder_ / "home" / "toy");
  expect_one_line(doctor(), 1, "checks failed: model");
}

}  // namespace
}  // namespace gsv3d
