// Scripts that complete commands, options and file names when Tab is pressed.
#pragma once

#include <string>
#include <vector>

#include "command_tree.h"

namespace gsv3d {

/// "bash", "zsh", "fish".
const std::vector<std::string>& shell_names();

/// The script for one of shell_names(): bash sources it, zsh autoloads it as _gsv3d, fish as gsv3d.fish. Throws UsageError for
/// another shell.
std::string shell_completions(const std::string& shell, const std::vector<DescribedCommand>& commands);

}  // namespace gsv3d
