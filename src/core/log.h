// Logging to the standard error stream through spdlog; results go to the standard output or to files, never here.
#pragma once

#include <spdlog/spdlog.h>

namespace gsv3d {

/// Sets up the logger: messages to stderr, colour only on a terminal and without NO_COLOR. `quiet` leaves warnings and errors
/// only.
void init_logging(bool quiet);

}  // namespace gsv3d
