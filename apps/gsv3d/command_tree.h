// Every command with its options as plain data, taken from what the command line parser knows: man pages and shell completions
// are written from it, so that they say what --help says.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace gsv3d {

struct DescribedOption {
  std::vector<std::string> names;  ///< "-o", "--output"; a positional has its one bare name
  std::string description;
  std::string value;  ///< what follows it, as --help says it: "UINT:INT in [1 - 1024]=8"; empty for most flags
  bool takes_value = false, required = false;
};

struct DescribedCommand {
  std::vector<std::string> path;  ///< "gsv3d", "data", "render"
  std::string description, footer;
  std::vector<DescribedOption> options, positionals;
  std::vector<const CLI::App*> commands;  ///< one level down

  /// The words of the path with `separator` between them.
  std::string name(const std::string& separator = " ") const;
};

/// The program itself first, then its commands in the order in which --help lists them, each before its own.
std::vector<DescribedCommand> described_commands(const CLI::App& program);

}  // namespace gsv3d
