// SPZ, Niantic's compressed Gaussians (github.com/nianticlabs/spz): versions 2 and 3 are one gzip stream, 4 holds zstd streams
// behind a plain header. Layout and precision: docs/formats.md.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "gaussian_files/ply.h"

namespace gsv3d {

struct SpzOptions {
  int version = 3;           ///< 3 or 4; more programs read 3
  bool antialiased = false;  ///< the flag of the file
};

/// Writes Gaussians (in our world) in the file's `frame` (the format says kWorld), whole or not at all. Positions keep 12 bits
/// behind the point, more for objects smaller than half a unit, fewer for those larger than ±2048; spherical harmonics are cut to
/// [-1, 1]. Where a few Gaussians are so far out that the object would lose its shape, they are left out, with a warning in the
/// log. Throws Error when a value is not finite, when the object is too far from the origin for its size, or when the file cannot
/// be written.
void write_spz(const std::filesystem::path& path, const Gaussians& gaussians, Frame frame, const SpzOptions& options = {});
/// The bytes of such a file; `where` begins every error message.
std::string encode_spz(const Gaussians& gaussians, const std::string& where, Frame frame, const SpzOptions& options = {});

/// The rows of a file (row_check.h) of version 2, 3 or 4. Coefficients of degree 4 are left out, extensions are skipped. Throws
/// Error on damaged files before it allocates more than they can hold; `where` begins the message.
DecodedRows decode_spz(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
