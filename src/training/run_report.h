// RUN/report.html: what a training did, in one file without anything outside it: curves of metrics.csv, the first and the last
// pictures, the settings.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace gsv3d {

/// Reads metrics.csv, previews/NAME-STEP.png and settings.json of the run's folder and writes report.html beside them,
/// atomically. `facts`: what is said in the table above the curves. Throws Error when the folder cannot be written or metrics.csv
/// is damaged.
void write_run_report(const std::filesystem::path& run, const std::string& title,
                      const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace gsv3d
