#include "missing_commands.h"

#include <fmt/format.h>

#include "core/error.h"

namespace gsv3d {

void add_missing_command(CLI::App& app, const std::string& name, const std::string& option) {
  auto* command = app.add_subcommand(name, "Not in this program: it was built with " + option + "=OFF");
  command->prefix_command();  // whatever options follow
  command->callback(
      [name, option] { throw UsageError(fmt::format("{}: this program was built without it ({}=OFF)", name, option)); });
}

}  // namespace gsv3d
