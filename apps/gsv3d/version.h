// Which program this is: version, commit and what was built into it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gsv3d {

/// "0.1.0": the project's version in the top CMakeLists.txt.
std::string version_number();

/// Parts of the program that a build may lack, by name.
std::vector<std::pair<std::string, bool>> built_parts();

/// What --version prints: number and commit, compiler and build type, parts, LibTorch.
std::string version_text();

}  // namespace gsv3d
