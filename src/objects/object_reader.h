// One object file of any format.
#pragma once

#include <string>

#include "objects/object.h"
#include "objects/object_files.h"

namespace gsv3d {

/// By the name's ending: .obj, .gltf, .glb, and what assimp reads.
bool is_object_file(const std::string& name);

/// Reads `name` of `files`, as it stands in the file: not turned, not normalised. What cannot be honoured is a warning that names
/// the object and the feature. Throws Error, which begins with `name`, when the file is damaged or no object file.
Object read_object(const FileSource& files, const std::string& name);

}  // namespace gsv3d
