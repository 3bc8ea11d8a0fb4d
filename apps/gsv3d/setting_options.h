// Options of the command line from settings that are described beside their fields (core/settings.h).
#pragma once

#include <CLI/CLI.hpp>

#include "core/settings.h"

namespace gsv3d {

/// What help says of an option that is not given.
enum class DefaultWords { kModels, kValue };  ///< "the model's", or the setting's own

/// One option per setting that has one: --steps for "steps", --guidance-range for "guidance_range", --x and --no-x for a switch.
/// What is given goes into `changes` as {name: value}, which must live until the command line has been parsed; wrong values are
/// refused with problem_of()'s words.
void add_setting_options(CLI::App& command, const std::vector<DescribedSetting>& settings, Json& changes,
                         DefaultWords words = DefaultWords::kModels);

}  // namespace gsv3d
