// Files of a folder in one ZIP archive, for formats that are several files.
#pragma once

#include <filesystem>

namespace gsv3d {

/// The files of `folder`, by name and without its folders, whole or not at all; the same files make the same bytes. PNGs, which
/// are packed already, are stored. Throws Error.
void write_zip_archive(const std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace gsv3d
