// PlayCanvas' compressed PLY: chunks of 256 Gaussians, quantised between each chunk's bounds to 16 bytes for each, spherical
// harmonics in bytes behind them. Layout and precision: docs/formats.md.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "gaussian_files/ply.h"

namespace gsv3d {

/// Writes Gaussians (in our world), whole or not at all, in Morton order, so that chunks are small in space. Of the options,
/// frame, antialiased and generator count. Throws Error when a value is not finite or the file cannot be written.
void write_compressed_ply(const std::filesystem::path& path, const Gaussians& gaussians, const PlyOptions& options = {});

/// The rows of a file (row_check.h), binary or text. Throws Error on damaged files; `where` begins the message.
DecodedRows decode_compressed_ply(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
