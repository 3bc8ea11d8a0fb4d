// gsv3d completions and gsv3d manual: what the program knows about its own commands, for shells and for man.
#include "commands.h"
#include "core/error.h"
#include "manual_pages.h"
#include "shell_completions.h"
#include "version.h"

namespace gsv3d {

void add_completions_command(CLI::App& app) {
  auto* command = app.add_subcommand("completions", "Print a script that completes commands and options in a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember(shell_names()));
  command->footer(
      "Packages and \"cmake --install\" put them in their places. By hand:\n"
      "  eval \"$(gsv3d completions bash)\"                              in ~/.bashrc\n"
      "  gsv3d completions fish > ~/.config/fish/completions/gsv3d.fish");
  command->callback([&app, shell] { fmt::print("{}", shell_completions(*shell, described_commands(app))); });
}

void add_manual_command(CLI::App& app) {
  auto* command = app.add_subcommand("manual", "Write the man pages of the program and of each command");
  auto folder = std::make_shared<std::filesystem::path>();
  command->add_option("folder", *folder, "where gsv3d.1, gsv3d-generate.1 ... go; made when it is missing")->required();
  command->footer("Read one of them: man ./FOLDER/gsv3d.1");
  command->callback([&app, folder] { write_manual_pages(*folder, described_commands(app), version_number()); });
}

}  // namespace gsv3d
