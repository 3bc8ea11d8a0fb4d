// Formats in which a job's object can be had beside those that the job wrote: what `gsv3d convert` and `gsv3d mesh` write, made
// of object.ply and object.glb when somebody asks for it.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace gsv3d {

struct ObjectFormat {
  const char* name;         ///< of the file: "object.spz"
  const char* source;       ///< of the job's file that it is made of
  const char* description;  ///< for people
  void (*write)(const std::filesystem::path& source, const std::filesystem::path& target);
};

/// All that this build can write.
const std::vector<ObjectFormat>& object_formats();

/// nullptr: no format has a file of this name.
const ObjectFormat* find_object_format(std::string_view name);

/// Makes FOLDER/NAME of FOLDER/SOURCE, whole or not at all. Meshes stand and are sized as `gsv3d mesh` would have them:
/// object.glb's metres where it has some, else STL files are 100 mm long. Throws Error.
void write_object_format(const ObjectFormat& format, const std::filesystem::path& folder);

}  // namespace gsv3d
