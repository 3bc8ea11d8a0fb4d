// Binary glTF (.glb) with the extension KHR_gaussian_splatting, release candidate of July 2026 (github.com/KhronosGroup/glTF,
// extensions/2.0/Khronos/KHR_gaussian_splatting). What is read and written: docs/formats.md.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "gaussian_files/ply.h"

namespace gsv3d {

/// Writes Gaussians (in our world, whose axes are glTF's) in the file's `frame` (glTF says kWorld), whole or not at all, as
/// float32 with a point cloud in COLOR_0 for programs that do not know the extension. Throws Error when a value is not finite,
/// the file would be beyond 4 GiB or cannot be written.
void write_gltf_splats(const std::filesystem::path& path, const Gaussians& gaussians, Frame frame);

/// The rows of all Gaussians of the default scene (row_check.h), moved as their nodes say. Linear colours are converted, which
/// blending makes inexact; a warning says so, and names other colour spaces, which are taken for sRGB. Throws Error on files
/// without the extension, with scales of nodes that differ between axes, with external buffers, and on damaged files; `where`
/// begins the message.
DecodedRows decode_gltf_splats(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
