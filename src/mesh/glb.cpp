// A mesh as glTF 2.0 in one binary file.
#include "core/error.h"
#include "core/glb_container.h"
#include "mesh/mesh_files.h"

namespace gsv3d {
namespace {

constexpr int kFloat = 5126, kUnsignedInt = 5125, kVertexBuffer = 34962, kIndexBuffer = 34963;
constexpr int kLinear = 9729, kLinearMipmaps = 9987, kClampToEdge = 33071;

/// The binary chunk with the buffer views and accessors that describe it.
class Buffer {
 public:
  /// → index of the buffer view. target 0: none (images).
  size_t add_view(const void* data, size_t size, int target) {
    bytes_.resize((bytes_.size() + 3) / 4 * 4, '\0');
    Json view = {{"buffer", 0}, {"byteOffset", bytes_.size()}, {"byteLength", size}};
    if (target) view["target"] = target;
    bytes_.append(static_cast<const char*>(data), size);
    views_.push_back(view);
    return views_.size() - 1;
  }
  template <class T>
  size_t add_accessor(const std::vector<T>& values, const char* type, int component, size_t count, Json extra = Json::object()) {
    const size_t view =
        add_view(values.data(), values.size() * sizeof(T), component == kUnsignedInt ? kIndexBuffer : kVertexBuffer);
    Json accessor = {{"bufferView", view}, {"componentType", component}, {"count", count}, {"type", type}};
    accessor.update(extra);
    accessors_.push_back(accessor);
    return accessors_.size() - 1;
  }

  std::string bytes_;
  Json views_ = Json::array(), accessors_ = Json::array();
};

Json document(const Mesh& mesh, Buffer& buffer) {
  Box box = bounding_box(mesh);
  Json attributes;
  attributes["POSITION"] =
      buffer.add_accessor(mesh.positions, "VEC3", kFloat, mesh.positions.size(),
                          {{"min", {box.low.x, box.low.y, box.low.z}}, {"max", {box.high.x, box.high.y, box.high.z}}});
  if (!mesh.normals.empty()) attributes["NORMAL"] = buffer.add_accessor(mesh.normals, "VEC3", kFloat, mesh.normals.size());
  if (mesh.textured()) attributes["TEXCOORD_0"] = buffer.add_accessor(mesh.uvs, "VEC2", kFloat, mesh.uvs.size());
  Json material = {{"name", "surface"}, {"pbrMetallicRoughness", {{"metallicFactor", 0}, {"roughnessFactor", 1}}}};
  Json json;
  json["asset"] = {{"version", "2.0"}, {"generator", "gsv3d"}};
  if (mesh.unit != LengthUnit::kUnknown) {
    const Vector3 size = box.size();
    json["asset"]["extras"] = {{"unit", "metre"}, {"size", {size.x, size.y, size.z}}};
  }
  json["scene"] = 0;
  json["scenes"] = {{{"nodes", {0}}}};
  json["nodes"] = {{{"name", "object"}, {"mesh", 0}}};
  const size_t indices = buffer.add_accessor(mesh.triangles, "SCALAR", kUnsignedInt, 3 * mesh.triangles.size());
  json["meshes"] = {{{"name", "object"}, {"primitives", {{{"attributes", attributes}, {"indices", indices}, {"material", 0}}}}}};
  if (mesh.textured()) {
    const std::string png = encode_png(mesh.texture);
    material["pbrMetallicRoughness"]["baseColorTexture"] = {{"index", 0}};
    json["textures"] = {{{"source", 0}, {"sampler", 0}}};
    json["images"] = {
        {{"name", "base color"}, {"mimeType", "image/png"}, {"bufferView", buffer.add_view(png.data(), png.size(), 0)}}};
    json["samplers"] = {
        {{"magFilter", kLinear}, {"minFilter", kLinearMipmaps}, {"wrapS", kClampToEdge}, {"wrapT", kClampToEdge}}};
  }
  json["materials"] = {material};
  json["accessors"] = buffer.accessors_;
  json["bufferViews"] = buffer.views_;
  json["buffers"] = {{{"byteLength", buffer.bytes_.size()}}};
  return json;
}

}  // namespace

void write_glb(const std::filesystem::path& path, const Mesh& mesh) {
  check_mesh(mesh, path);
  require(mesh.up == UpAxis::kY && mesh.unit != LengthUnit::kMillimetre, "{}: glTF files are +Y up and in metres", path.string());
  Buffer buffer;
  const Json json = document(mesh, buffer);
  write_glb_container(path, json, {buffer.bytes_});
}

}  // namespace gsv3d
