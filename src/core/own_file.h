// Where the program or shared library lies that this code is part of: what was installed with it is found from there.
#pragma once

#include <filesystem>

namespace gsv3d {

/// The file, links resolved; empty when the system does not say.
std::filesystem::path own_file();

}  // namespace gsv3d
