// SOG, PlayCanvas' WebP images with a JSON that tells how to read them, as a zip or as files in a folder: reading only, version 1
// (github.com/playcanvas/engine) and 2 (developer.playcanvas.com, "The SOG Format"). Layout and precision: docs/formats.md.
#pragma once

#include <filesystem>
#include <string_view>

#include "gaussian_files/row_check.h"

namespace gsv3d {

/// Whether this build has libzip and libwebp, which SOG files need.
bool can_read_sog();

/// Whether the bytes of a file are the meta.json of a SOG that is no archive: by its name's end, and what it says of its means.
bool is_sog_meta(std::string_view bytes, const std::filesystem::path& path);

/// The rows of a file (row_check.h): of an archive, or of a meta.json, whose pictures are beside `path`. Codebooks that begin
/// with null, which old writers made, are continued to that end. Throws Error on damaged files and when this build has no libzip
/// or libwebp; the path begins the message.
DecodedRows decode_sog(std::string_view bytes, const std::filesystem::path& path);

}  // namespace gsv3d
