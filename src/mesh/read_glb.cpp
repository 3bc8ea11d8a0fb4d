#include "mesh/read_glb.h"

#include <cstring>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/glb_container.h"
#include "mesh/mesh_files.h"

namespace gsv3d {
namespace {

constexpr int kFloat = 5126, kUnsignedInt = 5125;

/// The document and the binary chunk that it describes. What is asked for and not there is a Json::exception or an Error.
class Document {
 public:
  Document(std::string_view bytes, const std::string& where) : where_(where) {
    const GlbContainer container = read_glb_container(bytes, where);
    json_ = Json::parse(container.json);
    binary_ = container.binary.value_or(std::string_view());
  }
  const Json& json() const { return json_; }

  std::string_view view(const Json& index) const {
    const Json& view = json_.at("bufferViews").at(index.get<size_t>());
    const auto begin = view.at("byteOffset").get<size_t>(), size = view.at("byteLength").get<size_t>();
    require(begin <= binary_.size() && size <= binary_.size() - begin, "{}: damaged: a buffer view ends beyond the file", where_);
    return binary_.substr(begin, size);
  }
  /// `T`: some numbers of `component`, of which an element of `type` holds one or all.
  template <class T>
  std::vector<T> values(const Json& index, const char* type, int component) const {
    const Json& accessor = json_.at("accessors").at(index.get<size_t>());
    const std::string_view bytes = view(accessor.at("bufferView"));
    const size_t element = std::string_view(type) == "SCALAR" ? sizeof(uint32_t) : sizeof(T);
    require(accessor.at("type") == type && accessor.at("componentType") == component && bytes.size() % sizeof(T) == 0 &&
                bytes.size() == accessor.at("count").get<size_t>() * element,
            "{}: its numbers are not as gsv3d writes them", where_);
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

 private:
  std::string where_;
  Json json_;
  std::string_view binary_;
};

Mesh mesh_of(const Document& document, const std::string& where) {
  const Json& primitive = document.json().at("meshes").at(0).at("primitives").at(0);
  const Json& attributes = primitive.at("attributes");
  Mesh mesh;
  mesh.positions = document.values<Vector3>(attributes.at("POSITION"), "VEC3", kFloat);
  mesh.triangles = document.values<Mesh::Triangle>(primitive.at("indices"), "SCALAR", kUnsignedInt);
  if (attributes.contains("NORMAL")) mesh.normals = document.values<Vector3>(attributes["NORMAL"], "VEC3", kFloat);
  if (attributes.contains("TEXCOORD_0")) mesh.uvs = document.values<Vector2>(attributes["TEXCOORD_0"], "VEC2", kFloat);
  if (document.json().contains("images"))
    mesh.texture = decode_png(document.view(document.json()["images"].at(0).at("bufferView")), where);
  if (document.json().at("asset").value(Json::json_pointer("/extras/unit"), "") == "metre") mesh.unit = LengthUnit::kMetre;
  const auto fits = [&](size_t count) { return count == 0 || count == mesh.positions.size(); };
  require(fits(mesh.normals.size()) && fits(mesh.uvs.size()), "{}: damaged: as many normals as positions were expected", where);
  return mesh;
}

}  // namespace

Mesh read_glb_mesh(const std::filesystem::path& path) {
  const std::string where = path.string(), bytes = read_file(path);
  try {
    Mesh mesh = mesh_of(Document(bytes, where), where);
    check_mesh(mesh, path);
    return mesh;
  } catch (const Json::exception&) {
    fail("{}: not a mesh that gsv3d wrote", where);
  }
}

}  // namespace gsv3d
