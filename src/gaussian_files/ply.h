// The 3DGS PLY file: what nearly every splat viewer and editor reads. Layout and choices: docs/formats.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "gaussian_files/row_check.h"

namespace gsv3d {

struct PlyOptions {
  Frame frame = Frame::kYDown;  ///< of the file; the default opens upright in the common viewers
  bool all_properties =
      false;  ///< always 62 floats per Gaussian (spherical harmonics padded to degree 3), which some viewers demand
  bool antialiased = false;         ///< the Gaussians are meant to be rendered with RasterizeOptions::antialiased
  std::string generator = "gsv3d";  ///< named in a comment
  Tensor confidence = {};           ///< [G] in 0-1, written as one more property of that name; undefined: none
};

/// Writes Gaussians (in our world) as binary_little_endian PLY, whole or not at all. Opacity becomes a logit (cut to 1e-6 … 1 -
/// 1e-6), scale a natural logarithm. Throws Error when a value is not finite or the file cannot be written.
void write_ply(const std::filesystem::path& path, const Gaussians& gaussians, const PlyOptions& options = {});
/// The bytes of such a file; `where` begins every error message.
std::string encode_ply(const Gaussians& gaussians, const std::string& where, const PlyOptions& options = {});

/// Reads a 3DGS PLY of degree 0-3 into our world (row_check.h): binary or text, any order of properties and any number type,
/// `confidence` handed over, other properties and later elements ignored. Without f_dc, red, green and blue give the colour;
/// without scale_2, as in 2DGS, the third axis is as good as flat. `frame` is the file's; without it the file's own comment
/// counts, else kYDown. Throws Error on anything that is not such a file: missing properties, a count that the file's size does
/// not bear out.
Gaussians read_ply(const std::filesystem::path& path, std::optional<Frame> frame = {});
/// The rows of such a file in memory; `where` begins every error message.
DecodedRows decode_ply(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
