#include "shell_completions.h"

#include <fmt/format.h>

#include "core/error.h"

namespace gsv3d {
namespace {

/// `text` with a backslash before each of `special`; line ends become spaces.
std::string escaped(const std::string& text, const std::string& special) {
  std::string result;
  for (const char letter : text) {
    if (special.find(letter) != std::string::npos) result += '\\';
    result += letter == '\n' ? ' ' : letter;
  }
  return result;
}

/// Inside '…' of sh and zsh, where a quote cannot be escaped.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) result += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return result + "'";
}

std::string words_of(const std::vector<const CLI::App*>& commands) {
  std::string words;
  for (const CLI::App* command : commands) words += (words.empty() ? "" : " ") + command->get_name();
  return words;
}

std::string words_of(const std::vector<DescribedOption>& options) {
  std::string words;
  for (const DescribedOption& option : options)
    for (const std::string& name : option.names) words += (words.empty() ? "" : " ") + name;
  return words;
}

std::string for_bash(const std::vector<DescribedCommand>& commands) {
  std::string paths, cases;
  for (const DescribedCommand& command : commands) {
    if (command.path.size() > 1) paths += fmt::format("{}\"{}\"", paths.empty() ? "" : " | ", command.name());
    cases += fmt::format("    \"{}\")\n      commands=\"{}\"\n      options=\"{}\"\n      ;;\n", command.name(),
                         words_of(command.commands), words_of(command.options));
  }
  return "# bash completion for gsv3d, written by \"gsv3d completions bash\".\n"
         "_gsv3d() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} path=gsv3d commands= options= i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"$path ${COMP_WORDS[i]}\" in\n"
         "      " +
         paths +
         ") path+=\" ${COMP_WORDS[i]}\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case $path in\n" +
         cases +
         "  esac\n"
         "  COMPREPLY=()\n"
         "  if [[ $word == -* ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
         "  elif [[ -n $commands ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$word\")\n"
         "  fi\n"
         "}\n"
         "complete -o default -F _gsv3d gsv3d  # nothing found: names of files\n";
}

std::string zsh_option(const DescribedOption& option) {
  const std::string about = "[" + escaped(option.description, "[]:\\") + "]" + (option.takes_value ? ":value:_files" : "");
  std::string lines;
  for (const std::string& name : option.names) lines += " \\\n    " + quoted("*" + name + about);
  return lines;
}

std::string for_zsh(const std::vector<DescribedCommand>& commands) {
  std::string script = "#compdef gsv3d\n# zsh completion for gsv3d, written by \"gsv3d completions zsh\".\n";
  for (auto command = commands.rbegin(); command != commands.rend(); ++command) {
    script += "\n_" + command->name("_") + "() {\n  local context state line\n  _arguments -C";
    for (const DescribedOption& option : command->options) script += zsh_option(option);
    if (command->commands.empty()) {
      script += " \\\n    '*:file:_files'\n}\n";
      continue;
    }
    std::string list, cases;
    for (const CLI::App* below : command->commands) {
      list += (list.empty() ? "" : " ") + below->get_name() + "\\:\"" + escaped(below->get_description(), "\"\\:()") + "\"";
      cases += fmt::format("    {}) _{}_{} ;;\n", below->get_name(), command->name("_"), below->get_name());
    }
    script += " \\\n    " + quoted("1:command:((" + list + "))") + " \\\n    '*::argument:->rest'\n";
    script += "  [[ $state == rest ]] && case $line[1] in\n" + cases + "  esac\n}\n";
  }
  return script + "\n_gsv3d \"$@\"\n";
}

std::string for_fish(const std::vector<DescribedCommand>& commands) {
  std::string script =
      "# fish completion for gsv3d, written by \"gsv3d completions fish\".\n"
      "# Whether the command line begins with the words of a command; with \"exactly\", whether no further word follows.\n"
      "function __gsv3d_at\n"
      "  set -l typed (commandline -opc)\n"
      "  set -l words\n"
      "  for word in $typed[2..]\n"
      "    string match -q -- '-*' $word; or set -a words $word\n"
      "  end\n"
      "  if test \"$argv[1]\" = exactly\n"
      "    test \"$words\" = \"$argv[2..]\"\n"
      "  else\n"
      "    string match -q -- \"$argv\" \"$words\"; or string match -q -- \"$argv *\" \"$words\"\n"
      "  end\n"
      "end\n";
  for (const DescribedCommand& command : commands) {
    std::string below;  // the path without the program's own name
    for (size_t index = 1; index < command.path.size(); ++index) below += " " + command.path[index];
    const std::string here = "complete -c gsv3d -n '__gsv3d_at exactly" + below + "' -f";
    const std::string place = command.commands.empty() ? "complete -c gsv3d -n '__gsv3d_at" + below + "'" : here;
    for (const CLI::App* command_below : command.commands)
      script +=
          fmt::format("{} -a {} -d '{}'\n", here, command_below->get_name(), escaped(command_below->get_description(), "'\\"));
    for (const DescribedOption& option : command.options) {
      script += place;
      for (const std::string& name : option.names)
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      script += fmt::format("{} -d '{}'\n", option.takes_value ? " -r" : "", escaped(option.description, "'\\"));
    }
  }
  return script;
}

}  // namespace

const std::vector<std::string>& shell_names() {
  static const std::vector<std::string> names = {"bash", "zsh", "fish"};
  return names;
}

std::string shell_completions(const std::string& shell, const std::vector<DescribedCommand>& commands) {
  if (shell == "bash") return for_bash(commands);
  if (shell == "zsh") return for_zsh(commands);
  if (shell == "fish") return for_fish(commands);
  throw UsageError(fmt::format("no completions for \"{}\": there are those of bash, zsh and fish", shell));
}

}  // namespace gsv3d
