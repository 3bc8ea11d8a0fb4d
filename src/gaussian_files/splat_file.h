// The .splat file of antimatter15's viewer: 32 bytes for each Gaussian, no header. Layout and precision: docs/formats.md.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "gaussian_files/ply.h"

namespace gsv3d {

/// Writes Gaussians (in our world) in the file's `frame` (viewers expect kYDown), whole or not at all, the largest and most
/// opaque first as the format's tools do. Colours are cut to 0-1; view dependence is lost. Throws Error when a value is not
/// finite or the file cannot be written.
void write_splat(const std::filesystem::path& path, const Gaussians& gaussians, Frame frame);

/// The rows of a file (row_check.h), of degree 0. Throws Error when the bytes are no whole rows; `where` begins the message.
DecodedRows decode_splat(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
