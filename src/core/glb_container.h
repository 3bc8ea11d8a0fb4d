// The container of binary glTF (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html, section 4): what splats and meshes
// share.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace gsv3d {

/// Writes `document` and the pieces of its only buffer, one after the other (none: a file without a binary chunk), atomically.
/// Throws Error when they make more than 4 GiB or the disk is full.
void write_glb_container(const std::filesystem::path& path, const Json& document, const std::vector<std::string_view>& buffer);

/// The chunks of a GLB file, into the bytes that were given.
struct GlbContainer {
  std::string_view json;
  std::optional<std::string_view> binary;  ///< the file's own buffer, where it has one
};

/// Whether the bytes begin as a GLB file does.
bool is_glb(std::string_view bytes);

/// Splits a GLB file; chunks of unknown kinds are passed over. Throws Error, which names `where`, when the bytes are no GLB file
/// of version 2, are cut off, or do not begin with JSON.
GlbContainer read_glb_container(std::string_view bytes, const std::string& where);

}  // namespace gsv3d
