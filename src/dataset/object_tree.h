// Folders of object files: what an object is called, and which way up it is, where the folders' layout says so.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "objects/object_entry.h"
#include "objects/object_files.h"
#include "objects/vector.h"

namespace gsv3d {

/// The objects below `source`, a folder, one object file, or a zip archive, by name:
/// - ID/meshes/model.obj, a Gazebo model, as Google Scanned Objects has them (Downs et al. 2022, arXiv 2204.11918): the object
///   ID; Gazebo's up is +Z, so it is turned: +Z becomes our up +Y, and -Y, which Blender calls the front, our front +Z;
/// - UID.glb of 32 hexadecimal digits in any folder, as Objaverse has them (Deitke et al. 2022, arXiv 2212.08051): the object
///   UID;
/// - ID.zip in a folder without other object files than those of Gazebo models: the object ID, unless a folder has it; its one
///   object file (or meshes/model.obj) is looked for when it is loaded;
/// - any other object file: its path without the ending.
/// Nothing is opened before load() is called. Empty when there are none.
std::vector<ObjectEntry> list_object_tree(const std::filesystem::path& source);

/// Reads `name`, turns it and normalises it (normalize_object).
Object load_object(const FileSource& files, const std::string& name, const Matrix3& rotation);

}  // namespace gsv3d
