#include "command_tree.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gsv3d {
namespace {

DescribedOption described(const CLI::Option& option) {
  DescribedOption result;
  const bool positional = !option.nonpositional();
  if (positional) {
    result.names = {option.get_name(true)};
  } else {
    for (const std::string& name : option.get_snames()) result.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) result.names.push_back("--" + name);
  }
  result.description = option.get_description();
  result.takes_value = option.get_type_size() != 0;
  result.required = option.get_required();
  result.value = CLI::Formatter().make_option_opts(&option);
  result.value.erase(0, result.value.find_first_not_of(' '));
  return result;
}

void add(const CLI::App& app, const std::vector<std::string>& parents, std::vector<DescribedCommand>& all) {
  DescribedCommand command;
  command.path = parents;
  command.path.push_back(app.get_name());
  command.description = app.get_description();
  command.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    (option->nonpositional() ? command.options : command.positionals).push_back(described(*option));
  }
  for (const CLI::App* below : app.get_subcommands({})) {
    if (!below->get_group().empty()) command.commands.push_back(below);
  }
  all.push_back(command);
  for (const CLI::App* below : command.commands) add(*below, command.path, all);
}

}  // namespace

std::string DescribedCommand::name(const std::string& separator) const {
  return fmt::format("{}", fmt::join(path, separator));
}

std::vector<DescribedCommand> described_commands(const CLI::App& program) {
  std::vector<DescribedCommand> all;
  add(program, {}, all);
  return all;
}

}  // namespace gsv3d
