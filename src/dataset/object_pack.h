// Many objects in one small file: positions and texture coordinates as 16-bit numbers, textures as WebP, everything zstd-compressed. Made
// for shipping a training set: it needs neither assimp nor libzip to be read.
#pragma once

#include <filesystem>
#include <vector>

#include "dataset/object_source.h"

namespace gsv3d {

struct PackOptions {
  int64_t texture_size = 256;    ///< textures are shrunk to at most so many pixels a side
  int64_t texture_quality = 75;  ///< WebP's, 0-100
  int64_t position_bits = 12;    ///< steps across the unit cube: 2^bits; triangles that vanish on this grid are left out
};

/// Reads, packs and writes the objects. Objects that fail are logged and left out. → how many were written.
int64_t write_object_pack(const std::filesystem::path& path, const std::vector<ObjectEntry>& entries, const PackOptions& options);

/// True when the file begins as a pack does.
bool is_object_pack(const std::filesystem::path& path);

/// The pack's objects; each is decoded when it is loaded. Throws Error when the file is damaged.
std::vector<ObjectEntry> list_pack(const std::filesystem::path& path);

}  // namespace gsv3d
