// Wavefront OBJ. Our own reader, because assimp's loses materials of the object sets in circulation (docs/dataset.md, "Reading").
#pragma once

#include <string>

#include "objects/object.h"
#include "objects/object_files.h"

namespace gsv3d {

/// Reads `name` of `files` with its material libraries and textures. Kd is ignored where map_Kd is readable (many files set Kd =
/// 0 there); a texture that is missing falls back to Kd, a material that is missing to grey 0.8, both with a warning. Colours
/// behind the vertices ("v x y z r g b") multiply Kd and give way to a texture. Missing normals are made with a crease angle;
/// lines and points are skipped. Throws Error when the file is missing, holds no triangle, or has coordinates that are not
/// finite.
Object read_obj(const FileSource& files, const std::string& name);

}  // namespace gsv3d
