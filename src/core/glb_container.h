// The container of binary glTF (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html, section 4): what splats and meshes
// share.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace gsv3d {

/// Writes `document` and the pieces of its only buffer, one after the other (none: a file without a binary chunk), atomically.
/// Throws Error when they make more than 4 GiB or the disk is full.
void write_glb_container(const std::filesystem::path& path, const Json& document, const std::vector<std::string_view>& buffer);

}  // namespace gsv3d
