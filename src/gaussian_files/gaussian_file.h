// Files of Gaussians in any format: one function to read, one to write. The formats, their axes and precision: docs/formats.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "gaussian_files/ply.h"

namespace gsv3d {

enum class GaussianFormat { kPly, kCompressedPly, kSplat, kSpz, kSog, kGltf };

/// "3DGS PLY", "SPZ" …
const char* format_name(GaussianFormat format);

/// The coordinate system that a format's readers expect: kWorld for SPZ and glTF, kYDown for the others.
Frame usual_frame(GaussianFormat format);

/// By the name's end: .compressed.ply, .ply, .splat, .spz, .sog, .glb, in any case. Throws UsageError for others.
GaussianFormat format_of_name(const std::filesystem::path& path);

struct WriteOptions {
  std::optional<Frame> frame = {};  ///< of the file; without it usual_frame
  bool antialiased = false;         ///< noted where the format can: PLY and SPZ
  int spz_version = 3;              ///< 3 or 4
  bool ply_all_properties = false;  ///< see PlyOptions
  Tensor confidence = {};           ///< [G] in 0-1: noted in PLY, see PlyOptions; undefined: none
};

/// The Gaussians of a file in our world. The content decides about the format; only .splat, which has no mark, is known by its
/// name. `path` may also be the meta.json of a SOG that is no archive, or its folder. What is left out or cannot be honoured is a
/// warning in the log and in the result (row_check.h). Throws Error when it is no such file, is damaged, or hardly any of its
/// rows are Gaussians; memory stays in proportion to what such a file can hold (gaussian_files/limits.h).
GaussianFile read_gaussians(const std::filesystem::path& path, const ReadOptions& options = {});

/// The same from memory, without lines in the log; `path` names the file, and its folder holds the pictures of a SOG's meta.json.
GaussianFile decode_gaussians(std::string_view bytes, const std::filesystem::path& path, const ReadOptions& options = {});

/// Writes Gaussians of our world in the format that the name says, whole or not at all. Throws UsageError for a name that says
/// none, or SOG, which can only be read, and Error when a value is not finite (naming the Gaussian) or the file cannot be
/// written.
void write_gaussians(const std::filesystem::path& path, const Gaussians& gaussians, const WriteOptions& options = {});

}  // namespace gsv3d
