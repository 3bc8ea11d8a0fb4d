// gsv3d view as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::expect_one_line;
using ::testing::HasSubstr;
using testing::ProgramResult;

class ViewCommand : public testing::CommandTest {
 protected:
  ViewCommand() : CommandTest("view") {}
  const std::string formats_ = GSV3D_SOURCE_DIR "/tests/goldens/formats/";
};

TEST_F(ViewCommand, EveryFormatBecomesAPage) {
  for (const char* name : {"obj_sh0.ply", "obj_sh0.splat", "obj_sh3.v3.spz", "obj_sh3.compressed.ply"}) {
    const ProgramResult result = run(formats_ + name + " -o page.html");
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, HasSubstr("page.html: 500 Gaussians, "));
    EXPECT_THAT(read_file(folder_ / "page.html"), HasSubstr("\"count\":500"));
  }
}

TEST_F(ViewCommand, WrongInputsGiveOneLineAndNoPage) {
  write_file(folder_ / "text.glb", "no mesh");
  write_file(folder_ / "cut.ply", read_file(formats_ + "obj_sh0.ply").substr(0, 2000));
  const std::string good = formats_ + "obj_sh0.ply";
  expect_one_line(run(good + " --mesh text.glb -o x.html"), 1, "text.glb: no binary glTF");
  expect_one_line(run(good + " --mesh missing.glb -o x.html"), 1, "missing.glb");
  expect_one_line(run("cut.ply -o x.html"), 1, "cut.ply");
  expect_one_line(run("cut.ply -o cut.ply"), 2, "would replace");
  expect_one_line(run(good + " -o x.html --elevation 100"), 2, "--elevation");
  expect_one_line(run(good + " -o x.html", "ulimit -f 100;"), 1, "cannot write x.html");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 2);
}

}  // namespace
}  // namespace gsv3d
