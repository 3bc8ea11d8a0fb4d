#include "dataset/object_tree.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "core/error.h"
#include "objects/object_reader.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

constexpr Matrix3 as_it_is = {1, 0, 0, 0, 1, 0, 0, 0, 1};
constexpr Matrix3 from_z_up = {1, 0, 0, 0, 0, 1, 0, -1, 0};  // (x, y, z) → (x, z, -y)

bool is_zip(const fs::path& path) {
  return lower_case(path.extension().string()) == ".zip";
}

bool is_gazebo_model(const std::string& name) {
  const std::string lower = lower_case(name);
  return lower == "meshes/model.obj" || lower.ends_with("/meshes/model.obj");
}

bool is_objaverse_uid(const std::string& stem) {
  return stem.size() == 32 && std::all_of(stem.begin(), stem.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/// Of an object file `name` below a folder called `folder`.
std::string id_of(const std::string& name, const std::string& folder) {
  const fs::path path = name;
  if (is_gazebo_model(name)) {
    const std::string model = path.parent_path().parent_path().generic_string();
    return model.empty() ? folder : model;
  }
  if (lower_case(path.extension().string()) == ".glb" && is_objaverse_uid(path.stem().string())) return path.stem().string();
  return fs::path(name).replace_extension().generic_string();
}

ObjectEntry entry_of(const std::shared_ptr<FileSource>& files, const std::string& name, const std::string& id) {
  const Matrix3 rotation = is_gazebo_model(name) ? from_z_up : as_it_is;
  return {id, id, "",   fs::path(id).filename().string(),
          "", "", name, [files, name, rotation] { return load_object(*files, name, rotation); }};
}

/// The object file of an archive that holds one object.
std::string only_object_of(const FileSource& files, const std::string& zip) {
  std::vector<std::string> found;
  for (const std::string& name : files.names()) {
    if (is_gazebo_model(name)) return name;
    if (is_object_file(name)) found.push_back(name);
  }
  require(found.size() == 1, "{}: holds {} object files, one is expected", zip, found.size());
  return found.front();
}

/// Opened for as long as it is read: data sets have more archives than a process may have open files.
ObjectEntry zip_entry(const fs::path& path, const std::string& id) {
  return {id, id, "", fs::path(id).filename().string(), "", "", path.filename().string(), [path] {
            const auto files = open_zip(path);
            const std::string name = only_object_of(*files, path.filename().string());
            return load_object(*files, name, is_gazebo_model(name) ? from_z_up : as_it_is);
          }};
}

/// A single file is read from two folders up, where it is: data sets keep textures beside the folder of the mesh.
std::vector<ObjectEntry> list_file(const fs::path& source) {
  if (is_zip(source)) return {zip_entry(source, source.stem().string())};
  if (!is_object_file(source.string())) return {};
  const fs::path file = fs::absolute(source).lexically_normal(), root = file.parent_path().parent_path();
  const std::string name = file.lexically_relative(root).generic_string();
  return {entry_of(open_folder(root), name, is_gazebo_model(name) ? root.filename().string() : file.stem().string())};
}

}  // namespace

Object load_object(const FileSource& files, const std::string& name, const Matrix3& rotation) {
  Object object = read_object(files, name);
  transform_object(object, rotation);
  normalize_object(object);
  return object;
}

std::vector<ObjectEntry> list_object_tree(const fs::path& source) {
  if (fs::is_regular_file(source)) return list_file(source);
  const std::shared_ptr<FileSource> files = open_folder(source);
  const std::string folder = fs::absolute(source / "").lexically_normal().parent_path().filename().string();
  std::vector<ObjectEntry> entries;
  std::vector<std::string> zips;
  std::set<std::string> ids;
  bool gazebo_alone = true;
  for (const std::string& name : files->names()) {
    if (is_zip(name)) zips.push_back(name);
    if (!is_object_file(name)) continue;
    gazebo_alone = gazebo_alone && is_gazebo_model(name);
    entries.push_back(entry_of(files, name, id_of(name, folder)));
    ids.insert(entries.back().id);
  }
  if (!gazebo_alone) return entries;
  for (const std::string& name : zips)
    if (const std::string id = fs::path(name).replace_extension().generic_string(); ids.insert(id).second)
      entries.push_back(zip_entry(source / name, id));
  std::sort(entries.begin(), entries.end(), [](const ObjectEntry& a, const ObjectEntry& b) { return a.id < b.id; });
  return entries;
}

}  // namespace gsv3d
