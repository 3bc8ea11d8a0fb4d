#include "objects/gltf_compression.h"

#include "core/error.h"
#include "objects/gltf_document.h"

#ifdef GSV3D_HAS_MESHOPTIMIZER
#include <meshoptimizer.h>
#endif
#ifdef GSV3D_HAS_DRACO
#include <draco/compression/decode.h>
#endif

namespace gsv3d {

#ifdef GSV3D_HAS_MESHOPTIMIZER

namespace {

void undo_filter(const std::string& filter, std::string& bytes, size_t count, size_t stride, const std::string& where) {
  if (filter == "OCTAHEDRAL" && (stride == 4 || stride == 8)) {
    meshopt_decodeFilterOct(bytes.data(), count, stride);
  } else if (filter == "QUATERNION" && stride == 8) {
    meshopt_decodeFilterQuat(bytes.data(), count, stride);
  } else if (filter == "EXPONENTIAL" && stride % 4 == 0) {
    meshopt_decodeFilterExp(bytes.data(), count, stride);
  } else {
    require(filter == "NONE", "{}: meshopt's filter {} with a stride of {} is unknown", where, filter, stride);
  }
}

}  // namespace

std::string decode_meshopt(std::string_view bytes, const Json& extension, const std::string& where) {
  const int64_t count = whole_number(extension, "count", -1), stride = whole_number(extension, "byteStride", -1);
  const std::string mode = extension.value("mode", "");
  require(count >= 0 && count <= (int64_t{1} << 28) && stride > 0 && stride <= 256 && count * stride <= (int64_t{1} << 30),
          "{}: a compressed buffer view of {} x {} bytes", where, count, stride);
  std::string result(static_cast<size_t>(count * stride), '\0');
  const auto* source = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto items = static_cast<size_t>(count), size = static_cast<size_t>(stride);
  int failure = -1;
  if (mode == "ATTRIBUTES" && size % 4 == 0) {
    failure = meshopt_decodeVertexBuffer(result.data(), items, size, source, bytes.size());
  } else if (mode == "TRIANGLES" && items % 3 == 0 && (size == 2 || size == 4)) {
    failure = meshopt_decodeIndexBuffer(result.data(), items, size, source, bytes.size());
  } else if (mode == "INDICES" && (size == 2 || size == 4)) {
    failure = meshopt_decodeIndexSequence(result.data(), items, size, source, bytes.size());
  }
  require(failure == 0, "{}: a buffer view compressed by meshopt ({}, {} x {} bytes) is damaged", where, mode, count, stride);
  if (mode == "ATTRIBUTES") undo_filter(extension.value("filter", "NONE"), result, items, size, where);
  return result;
}

#else

std::string decode_meshopt(std::string_view, const Json&, const std::string& where) {
  fail("{}: its buffers are compressed by meshopt, and this build lacks meshoptimizer (GSV3D_WITH_MESH_LIBRARIES=ON)", where);
}

#endif

#ifdef GSV3D_HAS_DRACO

struct DracoMesh::Decoded {
  std::unique_ptr<draco::Mesh> mesh;
};

DracoMesh::DracoMesh(std::string_view bytes, std::string where)
    : decoded_(std::make_unique<Decoded>()), where_(std::move(where)) {
  draco::DecoderBuffer buffer;
  buffer.Init(bytes.data(), bytes.size());
  auto result = draco::Decoder().DecodeMeshFromBuffer(&buffer);
  require(result.ok(), "{}: a mesh compressed by Draco is damaged ({})", where_, result.ok() ? "" : result.status().error_msg());
  decoded_->mesh = std::move(result).value();
}

std::vector<uint32_t> DracoMesh::indices() const {
  std::vector<uint32_t> result;
  result.reserve(size_t{3} * decoded_->mesh->num_faces());
  for (uint32_t face = 0; face < decoded_->mesh->num_faces(); ++face)
    for (const auto& point : decoded_->mesh->face(draco::FaceIndex(face))) result.push_back(point.value());
  return result;
}

std::vector<float> DracoMesh::attribute(int64_t id, int components, float unit) const {
  const draco::PointAttribute* attribute =
      id >= 0 && id <= UINT32_MAX ? decoded_->mesh->GetAttributeByUniqueId(static_cast<uint32_t>(id)) : nullptr;
  require(attribute != nullptr, "{}: a mesh compressed by Draco has no attribute {}", where_, id);
  const auto points = static_cast<size_t>(decoded_->mesh->num_points());
  std::vector<float> values(points * static_cast<size_t>(components));
  const float divisor = attribute->normalized() ? 1 : unit;  // Draco divides by itself then
  for (size_t i = 0; i < points; ++i) {
    float* value = values.data() + i * static_cast<size_t>(components);
    const draco::AttributeValueIndex index = attribute->mapped_index(draco::PointIndex(static_cast<uint32_t>(i)));
    require(index.value() < attribute->size() && attribute->ConvertValue<float>(index, static_cast<int8_t>(components), value),
            "{}: an attribute of a mesh compressed by Draco is damaged", where_);
    for (int k = 0; k < components; ++k) value[k] /= divisor;
  }
  return values;
}

#else

struct DracoMesh::Decoded {};
DracoMesh::DracoMesh(std::string_view, std::string where) {
  fail("{}: its meshes are compressed by Draco, which this build lacks (GSV3D_WITH_OBJECT_FILES=ON)", where);
}
std::vector<uint32_t> DracoMesh::indices() const {
  return {};
}
std::vector<float> DracoMesh::attribute(int64_t, int, float) const {
  return {};
}

#endif

DracoMesh::~DracoMesh() = default;

}  // namespace gsv3d
