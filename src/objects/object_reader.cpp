#include "objects/object_reader.h"

#include <algorithm>

#include "core/error.h"
#include "objects/assimp_reader.h"
#include "objects/gltf_reader.h"
#include "objects/obj_reader.h"

namespace gsv3d {
namespace {

std::string ending_of(const std::string& name) {
  const size_t dot = name.find_last_of("./");
  return dot == std::string::npos || name[dot] == '/' ? "" : lower_case(name.substr(dot));
}

bool is_for_assimp(const std::string& ending) {
  const auto& known = assimp_extensions();
  return std::find(known.begin(), known.end(), ending) != known.end();
}

}  // namespace

bool is_object_file(const std::string& name) {
  const std::string ending = ending_of(name);
  return ending == ".obj" || ending == ".gltf" || ending == ".glb" || is_for_assimp(ending);
}

Object read_object(const FileSource& files, const std::string& name) {
  const std::string ending = ending_of(name);
  if (ending == ".obj") return read_obj(files, name);
  if (ending == ".gltf" || ending == ".glb") return read_gltf(files, name);
  require(is_for_assimp(ending), "{}: not a file of a 3D object that is read here (OBJ, glTF, FBX, PLY, STL, COLLADA, 3DS, OFF)",
          name);
  return read_with_assimp(files, name);
}

}  // namespace gsv3d
