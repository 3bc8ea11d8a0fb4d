#include "manual_pages.h"

#include <fmt/format.h>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gsv3d {
namespace {

/// Text as roff takes it: backslashes and hyphens escaped, no line that begins like a macro.
std::string roff(const std::string& text) {
  std::string result;
  bool line_start = true;
  for (const char letter : text) {
    if (line_start && (letter == '.' || letter == '\'')) result += "\\&";
    if (letter == '\\')
      result += "\\e";
    else if (letter == '-')
      result += "\\-";
    else
      result += letter;
    line_start = letter == '\n';
  }
  return result;
}

std::string entry(const DescribedOption& option) {
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + ("\\fB" + roff(name) + "\\fR");
  const std::string value = option.value.empty() ? "" : " \\fI" + roff(option.value) + "\\fR";
  return fmt::format(".TP\n{}{}\n{}\n", names, value, option.description.empty() ? "\\&" : roff(option.description));
}

std::string synopsis(const DescribedCommand& command) {
  std::string line = "\\fB" + roff(command.name()) + "\\fR";
  if (!command.options.empty()) line += " [\\fIOPTIONS\\fR]";
  for (const DescribedOption& positional : command.positionals) {
    const std::string name = "\\fI" + roff(positional.names.front()) + "\\fR";
    line += positional.required ? " " + name : " [" + name + "]";
  }
  if (!command.commands.empty()) line += " \\fICOMMAND\\fR ...";
  return line;
}

}  // namespace

std::string manual_page(const DescribedCommand& command, const std::string& version) {
  std::string page = ".\\\" -*- coding: utf-8 -*-\n";
  page += fmt::format(".TH \"{}\" 1 \"\" \"gsv3d {}\" \"GSV3D\"\n", roff(command.name("-")), roff(version));
  page += fmt::format(".SH NAME\n{} \\- {}\n", roff(command.name("-")), roff(command.description));
  page += ".SH SYNOPSIS\n" + synopsis(command) + "\n";
  if (!command.commands.empty()) page += ".SH COMMANDS\n";
  for (const CLI::App* below : command.commands)
    page += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(below->get_name()), roff(below->get_description()));
  if (!command.positionals.empty()) page += ".SH ARGUMENTS\n";
  for (const DescribedOption& positional : command.positionals) page += entry(positional);
  if (!command.options.empty()) page += ".SH OPTIONS\n";
  for (const DescribedOption& option : command.options) page += entry(option);
  if (!command.footer.empty()) page += ".SH NOTES\n.nf\n" + roff(command.footer) + "\n.fi\n";
  page += ".SH SEE ALSO\n";
  std::string others;
  if (command.path.size() > 1) others += "\\fBgsv3d\\fR(1)";
  for (const CLI::App* below : command.commands)
    others += (others.empty() ? "" : ", ") + fmt::format("\\fB{}\\-{}\\fR(1)", roff(command.name("-")), roff(below->get_name()));
  return page + others + "\n";
}

void write_manual_pages(const std::filesystem::path& folder, const std::vector<DescribedCommand>& commands,
                        const std::string& version) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require(!error, "cannot make the folder {}: {}", folder.string(), error.message());
  for (const DescribedCommand& command : commands) write_file(folder / (command.name("-") + ".1"), manual_page(command, version));
}

}  // namespace gsv3d
