// Every option of every command, as --help lists them, with values that it cannot have been made for: the program must end in
// order, with one line of its own and no files, whatever was typed. One value per option in turn; GSV3D_SWEEP=all tries every
// value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "program.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::ProgramResult;
using testing::run_program;

struct Listed {
  std::vector<std::string> subcommands;
  std::vector<std::string> options;  ///< those that take a value, with their dashes
};

/// What the help of a command names.
Listed listed_in(const std::string& help) {
  Listed listed;
  std::istringstream lines(help);
  bool in_subcommands = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "Subcommands:") in_subcommands = true;
    if (line.empty()) in_subcommands = false;
    std::smatch match;
    if (in_subcommands && std::regex_search(line, match, std::regex("^  ([a-z]+) "))) listed.subcommands.push_back(match[1]);
    if (std::regex_search(line, match, std::regex("^  (?:-[a-z],)?(--[a-z0-9-]+)[^ ]* [A-Z]+")))
      listed.options.push_back(match[1]);
  }
  return listed;
}

/// Calls visit(words, options) for every command that does something.
void for_each_command(const fs::path& folder, const std::string& words,
                      const std::function<void(const std::string&, const std::vector<std::string>&)>& visit) {
  const ProgramResult help = run_program(folder, words + " --help");
  ASSERT_EQ(help.code, 0) << words;
  ASSERT_EQ(help.err, "") << words;
  const Listed listed = listed_in(help.out);
  for (const std::string& next : listed.subcommands) for_each_command(folder, words + " " + next, visit);
  if (listed.subcommands.empty()) visit(words, listed.options);
}

/// Arguments with which each command gets as far as it can without a model or data: its inputs are files that hold nothing.
const std::map<std::string, std::string> inputs = {{" train", " vae --model empty --data empty --run run --config empty.json"},
                                                   {" convert", " empty.ply out.ply"},
                                                   {" data pack", " empty -o out"},
                                                   {" data render", " empty -o out"},
                                                   {" data synthesize", " -o out"},
                                                   {" model init", " out"}};

const std::vector<std::string> senseless = {"''", "nan", "-1", "1e999", "99999999999999999999", "../../nowhere/x", "'\xff\x01'"};

/// All values, or one that depends on the option's number.
std::vector<std::string> values_for(int option) {
  const char* sweep = std::getenv("GSV3D_SWEEP");
  if (sweep && sweep == std::string("all")) return senseless;
  return {senseless[static_cast<size_t>(option) % senseless.size()]};
}

TEST(OptionSweep, ValuesOfNoSenseEndInOrder) {
  const testing::TemporaryFolder folder;
  fs::create_directory(folder / "empty");
  for (const char* file : {"empty.ply", "empty.json"}) write_file(folder / file, "");
  int commands = 0, options = 0;
  for_each_command(folder.path(), "", [&](const std::string& command, const std::vector<std::string>& names) {
    ++commands;
    const auto given = inputs.find(command);
    for (const std::string& option : names) {
      ++options;
      for (const std::string& value : values_for(options)) {
        const std::string words = command + (given == inputs.end() ? " empty.ply" : given->second) + " " + option + " " + value;
        const ProgramResult result = run_program(folder.path(), words, "timeout 20");
        EXPECT_TRUE(result.code == 1 || result.code == 2) << words << ": " << result.code << ": " << result.err;
        EXPECT_THAT(result.err, ::testing::ContainsRegex("(^|\n)gsv3d: [^\n]+\n$")) << words;
        EXPECT_FALSE(fs::exists(folder / "out") || fs::exists(folder / "out.ply") || fs::exists(folder / "run")) << words;
      }
    }
  });
  EXPECT_GE(commands, 12);
  EXPECT_GE(options, 100);
}

}  // namespace
}  // namespace gsv3d
