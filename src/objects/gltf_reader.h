// glTF 2.0 (.gltf, .glb). Our own reader beside assimp's: docs/dataset.md, "Reading", has what assimp 5.2 does otherwise.
#pragma once

#include <string>

#include "objects/object.h"
#include "objects/object_files.h"

namespace gsv3d {

/// Reads `name` of `files`: the file's scene, every mesh where its node puts it, skinned meshes in the pose of the nodes, morph
/// targets with their default weights; materials reduced to what diffuse light shows (read_gltf_materials). Points and lines are
/// left out with a warning. Throws Error when the file is damaged or requires what is not known.
Object read_gltf(const FileSource& files, const std::string& name);

}  // namespace gsv3d
