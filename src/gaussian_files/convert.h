// One file of Gaussians into another: format, axes, size, degree, pruning.
#pragma once

#include <filesystem>
#include <optional>

#include "gaussian_files/gaussian_file.h"

namespace gsv3d {

struct ConvertOptions {
  ReadOptions read;
  WriteOptions write;                ///< antialiased and confidence are taken from the file that is read
  double scale = 1;                  ///< the object becomes so many times larger
  std::optional<int64_t> sh_degree;  ///< spherical harmonics of higher degrees are dropped
  double min_opacity = 0;            ///< Gaussians below it are dropped
};

struct ConvertReport {
  int64_t read = 0, written = 0;  ///< Gaussians
  int64_t sh_degree = 0;          ///< of what was written, before what the format cannot hold
};

/// Reads `from`, writes `to`. Throws Error and UsageError as read_gaussians and write_gaussians do, and UsageError for options
/// out of range.
ConvertReport convert_gaussians(const std::filesystem::path& from, const std::filesystem::path& to,
                                const ConvertOptions& options = {});

}  // namespace gsv3d
