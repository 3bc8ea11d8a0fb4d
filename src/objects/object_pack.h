// Many objects in one small file, made for shipping a training set: reading it needs neither assimp nor libzip.
//   "GSV3DPK1"  uint64 compressed and plain size of the index  index (zstd, JSON array)  objects (each zstd, see packed_object.h)
// Offsets in the index count from the end of the index.
#pragma once

#include <filesystem>
#include <vector>

#include "objects/object_entry.h"
#include "objects/packed_object.h"

namespace gsv3d {

/// Reads, packs and writes the objects. Objects that fail are logged and left out. → how many were written.
int64_t write_object_pack(const std::filesystem::path& path, const std::vector<ObjectEntry>& entries, const PackOptions& options);

/// True when the file begins as a pack does.
bool is_object_pack(const std::filesystem::path& path);

/// The pack's objects; each is decoded when it is loaded. Throws Error when the file is damaged.
std::vector<ObjectEntry> list_pack(const std::filesystem::path& path);

}  // namespace gsv3d
