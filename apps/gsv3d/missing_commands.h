// Commands that belong to a part this program was built without: they are known, and say so.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace gsv3d {

/// `name`: of the command. `option`: of CMake, which switches the part on.
void add_missing_command(CLI::App& app, const std::string& name, const std::string& option);

}  // namespace gsv3d
