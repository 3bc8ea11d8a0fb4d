// Sets of objects: folders of object files, .sh3f furniture libraries, packs; and which of them belong to a split.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "objects/object_entry.h"

namespace gsv3d {

struct ObjectSelection {
  std::filesystem::path split_file;  ///< CSV with id, split, usable, ... (docs/dataset.md); empty: every object of the source
  std::string split;                 ///< empty: all splits
  int64_t limit = 0;                 ///< at most so many objects, evenly spread over the list; 0: all
};

/// The objects behind `source`: a folder of object files (list_object_tree) or of .sh3f libraries, one such file, a pack, or
/// "procedural:COUNT:SEED" for objects that the program makes (procedural_object.h). Sorted as the split
/// file, the libraries' catalogues, or by name. Throws Error when nothing is found.
std::vector<ObjectEntry> list_objects(const std::filesystem::path& source, const ObjectSelection& selection);

/// objects.csv: who made each object, under which licence.
void write_object_list(const std::filesystem::path& path, const std::vector<ObjectEntry>& entries);

/// "m00 m01 ... m22" → matrix; the identity for an empty text. Throws Error otherwise.
Matrix3 parse_matrix(const std::string& text, const std::string& where);

}  // namespace gsv3d
