// Man pages, completions and --version say what --help says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "program.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ProgramResult;
using testing::run_program;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Options that a command's --help lists, with their dashes.
std::vector<std::string> options_in(const std::string& help) {
  std::vector<std::string> options;
  for (const std::string& line : lines_of(help)) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex("^  (?:-[a-z],)?(--[a-z0-9-]+)"))) options.push_back(match[1]);
  }
  return options;
}

/// What bash offers for the words typed so far, the last of which may be unfinished.
std::vector<std::string> offered(const fs::path& folder, const std::string& words) {
  const std::string script = "source completion.bash; COMP_WORDS=(" + words +
                             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _gsv3d; printf \"%s\\n\" \"${COMPREPLY[@]}\"";
  write_file(folder / "try.sh", script + "\n");
  const std::string command = "cd '" + folder.string() + "' && bash --norc try.sh > offered";
  EXPECT_EQ(std::system(command.c_str()), 0) << words;
  return lines_of(read_file(folder / "offered"));
}

TEST(Describe, VersionNamesCommitAndParts) {
  const testing::TemporaryFolder folder;
  const ProgramResult version = run_program(folder.path(), "--version");
  EXPECT_THAT(version.out, ContainsRegex("^gsv3d [0-9]+\\.[0-9]+\\.[0-9]+ \\(commit ([0-9a-f]{7,}(-dirty)?|unknown)\\)\n"));
  EXPECT_THAT(version.out, HasSubstr("\nLibTorch 2."));
  EXPECT_THAT(version.out, ContainsRegex(GSV3D_WITH_VIDEO ? ", with [^;]*video" : "; without .*video"));
}

TEST(Describe, ManualHasEveryCommandAndOption) {
  const testing::TemporaryFolder folder;
  ASSERT_EQ(run_program(folder.path(), "manual pages").code, 0);
  const std::string whole = read_file(folder / "pages" / "gsv3d.1");
  int options = 0;
  for (const char* command : {"generate", "mesh", "data synthesize", "data render"}) {
    const ProgramResult help = run_program(folder.path(), std::string(command) + " --help");
    const std::string page =
        read_file(folder / "pages" / ("gsv3d-" + std::regex_replace(std::string(command), std::regex(" "), "-") + ".1"));
    for (const std::string& option : options_in(help.out)) {
      ++options;
      EXPECT_THAT(page, HasSubstr(std::regex_replace(option, std::regex("-"), "\\-") + "\\fR")) << command;
    }
    EXPECT_THAT(whole, HasSubstr("\\fB" + lines_of(std::regex_replace(std::string(command), std::regex(" .*"), ""))[0] + "\\fR"));
  }
  EXPECT_GT(options, 50);
  testing::expect_one_line(run_program(folder.path(), "manual /dev/null/pages"), 1, "/dev/null/pages");
}

TEST(Describe, BashCompletesCommandsAndOptions) {
  const testing::TemporaryFolder folder;
  ASSERT_EQ(run_program(folder.path(), "completions bash > completion.bash").code, 0);
  EXPECT_THAT(offered(folder.path(), "gsv3d gen"), ElementsAre("generate"));
  EXPECT_THAT(offered(folder.path(), "gsv3d data re"), ElementsAre("render"));
  EXPECT_THAT(offered(folder.path(), "gsv3d generate --se"), ElementsAre("--seed"));
  EXPECT_THAT(offered(folder.path(), "gsv3d generate photo.jpg --quiet --out"), ElementsAre("--output"));
  const auto options = offered(folder.path(), "gsv3d mesh -");
  for (const std::string& option : options_in(run_program(folder.path(), "mesh --help").out))
    EXPECT_THAT(options, Contains(option));
  EXPECT_THAT(options, Not(Contains("--seed")));
}

TEST(Describe, OtherShellsAreServedOrRefused) {
  const testing::TemporaryFolder folder;
  const std::string zsh = run_program(folder.path(), "completions zsh").out;
  EXPECT_THAT(zsh, ::testing::StartsWith("#compdef gsv3d\n"));
  EXPECT_THAT(zsh, HasSubstr("_gsv3d_data_render() {"));
  const std::string fish = run_program(folder.path(), "completions fish").out;
  EXPECT_THAT(fish, HasSubstr("complete -c gsv3d -n '__gsv3d_at data render' -l seed"));
  testing::expect_one_line(run_program(folder.path(), "completions csh"), 2, "csh");
}

}  // namespace
}  // namespace gsv3d
