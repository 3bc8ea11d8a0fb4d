// --view of "gsv3d generate": further photos of the object and where they were taken from.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gsv3d {

/// AZIMUTH:FILE or AZIMUTH,ELEVATION:FILE, degrees.
struct FurtherPhotoOption {
  double azimuth_degrees = 0;
  std::optional<double> elevation_degrees;
  std::filesystem::path file;
};

/// Throws UsageError for anything else; "auto:FILE" is refused with the reason.
FurtherPhotoOption parse_further_photo(const std::string& text);

struct FurtherPhotoOptions {
  std::vector<std::string> given;

  void add_to(CLI::App& command);
  std::vector<FurtherPhotoOption> photos() const;
};

}  // namespace gsv3d
