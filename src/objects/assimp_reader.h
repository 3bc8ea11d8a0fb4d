// FBX, PLY, STL, COLLADA, 3DS ... through assimp.
#pragma once

#include <string>
#include <vector>

#include "objects/object.h"
#include "objects/object_files.h"

namespace gsv3d {

/// File extensions (lower case, with dot) that read_with_assimp takes.
const std::vector<std::string>& assimp_extensions();

/// Reads `name` of `files`, all nodes placed in the scene, materials reduced to colour, opacity, emission and their textures.
/// Files it refers to are looked up in `files` only. Throws Error when assimp cannot read it, or when this build has no assimp.
Object read_with_assimp(const FileSource& files, const std::string& name);

}  // namespace gsv3d
