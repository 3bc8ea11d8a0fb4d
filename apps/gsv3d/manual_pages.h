// Man pages (section 1) of the program and of each command.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "command_tree.h"

namespace gsv3d {

/// One page in man(7)'s macros. `version` stands in its foot.
std::string manual_page(const DescribedCommand& command, const std::string& version);

/// Writes gsv3d.1, gsv3d-generate.1, … into the folder, which is made. Throws Error when that fails.
void write_manual_pages(const std::filesystem::path& folder, const std::vector<DescribedCommand>& commands,
                        const std::string& version);

}  // namespace gsv3d
