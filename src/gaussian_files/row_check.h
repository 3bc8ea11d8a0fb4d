// What every reader of Gaussians hands over, and the one place where bad rows are found, counted, dropped or refused.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "gaussians/frame.h"
#include "gaussians/gaussians.h"

namespace gsv3d {

struct ReadOptions {
  std::optional<Frame> frame = {};  ///< of the file; without it what the file says, else the format's usual one
  bool strict = false;              ///< rows that are no Gaussians are an error, not a warning
};

/// What a file holds: the Gaussians in our world, how they are meant to be rendered, and what could not be honoured.
struct GaussianFile {
  Gaussians gaussians;
  bool antialiased = false;                ///< with RasterizeOptions::antialiased
  std::vector<std::string> warnings = {};  ///< whole sentences without the file's name
  Tensor confidence = {};                  ///< [G] in 0-1, how sure each is (pipeline/gaussian_confidence.h); undefined: not said
};

/// The rows of a file as a decoder found them: activated, in the file's axes, rotations of any length, any value in any row.
struct DecodedRows {
  Gaussians gaussians;
  bool antialiased = false;
  std::optional<Frame> frame = {};               ///< when the file says it
  std::optional<std::array<double, 3>> up = {};  ///< when the file says that instead: the direction in its axes that points up
  std::vector<std::string> warnings = {};
  Tensor confidence = {};  ///< [G] any numbers, when the file has them
};

/// The rows that are Gaussians, in our world, with unit rotations. Left out with a warning that counts them (Error when
/// options.strict) are rows with values that are not finite, with negative scales or opacities outside 0-1, and rows filled with
/// zeros, which unfinished downloads end in. Throws Error when more than half of the rows that are not zeros, or all, are bad.
/// A file that does not name its axes has those of `usual`; `where` begins every message.
/// Another program's numbers of that name, which are not 0 to 1, are left out with a warning, too.
GaussianFile checked_rows(DecodedRows rows, const std::string& where, const ReadOptions& options, Frame usual);

/// Whether all numbers are 0 to 1.
bool is_confidence(const Tensor& values);

}  // namespace gsv3d
