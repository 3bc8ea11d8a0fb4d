#include "objects/gltf_reader.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "objects/gltf_accessors.h"
#include "objects/gltf_compression.h"
#include "objects/gltf_materials.h"
#include "objects/gltf_scene.h"
#include "objects/mesh_builder.h"

namespace gsv3d {
namespace {

enum PrimitiveMode : int64_t { kTriangles = 4, kTriangleStrip, kTriangleFan };

/// The numbers of one primitive, whichever way they are stored. What it has not is empty.
class Primitive {
 public:
  Primitive(GltfDocument& document, const Json& source) : document_(document), source_(source) {
    if (const Json* packed = extension(source, "KHR_draco_mesh_compression")) {
      draco_.emplace(document.view(whole_number(*packed, "bufferView", -1)), document.name());
      draco_ids_ = &member(*packed, "attributes");
    }
    positions = attribute("POSITION", 3);
  }

  size_t vertices() const { return positions.size() / 3; }

  std::vector<float> attribute(const char* name, int components) {
    const int64_t accessor = whole_number(member(source_, "attributes"), name, -1);
    if (accessor < 0) return {};
    require(accessor_components(document_, accessor) == components, "{}: {} needs {} numbers each", document_.name(), name,
            components);
    auto values = draco_ && draco_ids_->contains(name)
                      ? draco_->attribute(whole_number(*draco_ids_, name, -1), components, accessor_unit(document_, accessor))
                      : read_floats(document_, accessor);
    require(positions.empty() || values.size() == vertices() * static_cast<size_t>(components),
            "{}: {} has another count than POSITION", document_.name(), name);
    return values;
  }

  /// Linear RGBA 0-1.
  std::vector<std::array<float, 4>> colors() {
    const int64_t accessor = whole_number(member(source_, "attributes"), "COLOR_0", -1);
    if (accessor < 0) return {};
    const int components = accessor_components(document_, accessor);
    require(components == 3 || components == 4, "{}: COLOR_0 needs 3 or 4 numbers each", document_.name());
    const auto values = attribute("COLOR_0", components);
    std::vector<std::array<float, 4>> result(vertices(), {1, 1, 1, 1});
    for (size_t i = 0; i < result.size(); ++i)
      for (int k = 0; k < components; ++k)
        result[i][k] = std::clamp(values[i * static_cast<size_t>(components) + static_cast<size_t>(k)], 0.0F, 1.0F);
    return result;
  }

  std::vector<uint32_t> indices() {
    if (draco_) return draco_->indices();
    std::vector<uint32_t> result;
    if (const int64_t accessor = whole_number(source_, "indices", -1); accessor >= 0) {
      result = read_indices(document_, accessor);
    } else {
      result.resize(vertices());
      for (size_t i = 0; i < result.size(); ++i) result[i] = static_cast<uint32_t>(i);
    }
    for (const uint32_t index : result)
      require(index < vertices(), "{}: a face names vertex {} of {}", document_.name(), index, vertices());
    return result;
  }

  /// Adds the morph targets, each times its weight.
  void morph(const std::vector<double>& weights, ReaderWarnings& warnings) {
    const Json& targets = member(source_, "targets");
    for (size_t t = 0; t < std::min(targets.size(), weights.size()); ++t) {
      if (weights[t] == 0) continue;
      const auto add = [&](const char* name, std::vector<float>& values) {
        const int64_t accessor = whole_number(targets[t], name, -1);
        if (accessor < 0 || values.empty()) return;
        const auto differences = read_floats(document_, accessor);
        require(differences.size() == values.size(), "{}: a morph target has another count than its mesh", document_.name());
        for (size_t i = 0; i < values.size(); ++i) values[i] += static_cast<float>(weights[t]) * differences[i];
      };
      add("POSITION", positions);
      add("NORMAL", normals);
      for (const char* other : {"TEXCOORD_0", "COLOR_0"})
        if (targets[t].contains(other)) warnings.once(fmt::format("morph targets of {} are not honoured", other));
    }
  }

  std::vector<float> positions, normals;

 private:
  GltfDocument& document_;
  const Json& source_;
  std::optional<DracoMesh> draco_;
  const Json* draco_ids_ = nullptr;
};

class GltfReader {
 public:
  GltfReader(const FileSource& files, const std::string& name)
      : warnings_(name), document_(files, name, warnings_), textures_(files, name, warnings_), scene_(document_) {}

  Object read() {
    materials_ = read_gltf_materials(document_, textures_, warnings_);
    for (const int64_t node : scene_.mesh_nodes()) add_node(node);
    if (!builder_.colors.empty()) builder_.colors.resize(builder_.positions.size(), {1, 1, 1, 1});
    Object object = builder_.build();
    for (const auto& each : materials_) object.materials.push_back(each.material);
    object.textures = textures_.take();
    check_object(object, document_.name());
    return object;
  }

 private:
  void add_node(int64_t node) {
    const Json& mesh = document_.item("meshes", whole_number(document_.item("nodes", node), "mesh", -1));
    const auto joints = scene_.joints(node);
    const auto weights = scene_.morph_weights(node);
    for (const Json& source : member(mesh, "primitives")) {
      const int64_t mode = whole_number(source, "mode", kTriangles);
      if (mode < kTriangles || mode > kTriangleFan) {
        warnings_.once("points and lines are left out");
        continue;
      }
      Primitive primitive(document_, source);
      primitive.normals = primitive.attribute("NORMAL", 3);
      primitive.morph(weights, warnings_);
      add_primitive(primitive, source, mode, joints, node);
    }
  }

  void add_primitive(Primitive& primitive, const Json& source, int64_t mode, const std::vector<Matrix4>& joints, int64_t node) {
    const int64_t number = whole_number(source, "material", static_cast<int64_t>(materials_.size()) - 1);
    require(number >= 0 && number < static_cast<int64_t>(materials_.size()), "{}: there is no material {}", document_.name(),
            number);
    const GltfMaterial& material = materials_[static_cast<size_t>(number)];
    const auto indices = primitive.indices();
    if (extension(source, "KHR_draco_mesh_compression")) mode = kTriangles;  // what Draco decodes, whatever it was
    const auto uvs = texture_coordinates(primitive, material);
    const auto colors = primitive.colors();
    // A skin's joints say where the mesh is; its own node does not count.
    const auto skinned = joints.empty() ? std::vector<Matrix4>() : skin_matrices(primitive, joints);
    const auto placements = skinned.empty() ? scene_.placements(node) : std::vector<Matrix4>(1);
    for (const Matrix4& placement : placements) {
      const size_t base = builder_.positions.size();
      require(base + primitive.vertices() < size_t{100'000'000}, "{}: more than 100 million vertices", document_.name());
      for (size_t i = 0; i < primitive.vertices(); ++i) add_vertex(primitive, i, skinned.empty() ? placement : skinned[i]);
      builder_.uvs.insert(builder_.uvs.end(), uvs.begin(), uvs.end());
      add_colors(colors);
      add_triangles(indices, mode, static_cast<int32_t>(base), static_cast<uint32_t>(number));
    }
  }

  void add_vertex(const Primitive& primitive, size_t i, const Matrix4& matrix) {
    builder_.positions.push_back(matrix.point(&primitive.positions[3 * i]));
    Vector normal{};
    if (!primitive.normals.empty())
      normal = multiply(cofactors(matrix.linear_part()),
                        {primitive.normals[3 * i], primitive.normals[3 * i + 1], primitive.normals[3 * i + 2]});
    builder_.normals.push_back(unit_or_none(normal));
  }

  /// The builder makes normals that have no length.
  static Vector unit_or_none(const Vector& normal) {
    const float size = length(normal);
    return size > 0 && std::isfinite(size) ? Vector{normal[0] / size, normal[1] / size, normal[2] / size} : Vector{};
  }

  /// Of the vertices added last; those before them that had none are white.
  void add_colors(const std::vector<std::array<float, 4>>& colors) {
    if (colors.empty()) return;
    builder_.colors.resize(builder_.positions.size() - colors.size(), {1, 1, 1, 1});
    builder_.colors.insert(builder_.colors.end(), colors.begin(), colors.end());
  }

  void add_triangles(const std::vector<uint32_t>& indices, int64_t mode, int32_t base, uint32_t material) {
    const auto add = [&](size_t a, size_t b, size_t c) {
      Corner corners[3];
      for (const auto& [k, at] : {std::pair<int, size_t>{0, a}, {1, b}, {2, c}}) {
        const int32_t index = base + static_cast<int32_t>(indices[at]);
        corners[k] = {index, index, index};
      }
      builder_.add_polygon(corners, material);
    };
    if (mode == kTriangles) {
      for (size_t i = 0; i + 2 < indices.size(); i += 3) add(i, i + 1, i + 2);
    } else {
      for (size_t i = 2; i < indices.size(); ++i) add(mode == kTriangleFan ? 0 : i - 2, i - 1, i);
    }
  }

  /// One per vertex, v counted upward.
  std::vector<std::array<float, 2>> texture_coordinates(Primitive& primitive, const GltfMaterial& material) {
    std::vector<std::array<float, 2>> result(primitive.vertices(), {0, 0});
    if (material.material.texture < 0 && material.material.emission_texture < 0) return result;
    const std::string set = fmt::format("TEXCOORD_{}", material.place.uv_set);
    const auto values = primitive.attribute(set.c_str(), 2);
    if (values.empty()) {
      warnings_.once(fmt::format("a mesh with a texture has no {}", set));
      return result;
    }
    const auto& m = material.place.matrix;
    for (size_t i = 0; i < result.size(); ++i) {
      const float u = values[2 * i], v = values[2 * i + 1];
      result[i] = {m[0] * u + m[1] * v + m[2], 1 - (m[3] * u + m[4] * v + m[5])};
    }
    return result;
  }

  /// Σ weight · joint, for every vertex; empty when the primitive has no weights.
  std::vector<Matrix4> skin_matrices(Primitive& primitive, const std::vector<Matrix4>& joints) {
    std::vector<Matrix4> result(primitive.vertices());
    std::vector<double> sums(primitive.vertices(), 0);
    for (auto& matrix : result) matrix.values.fill(0);
    for (int set = 0; set < 8; ++set) {
      const auto numbers = primitive.attribute(fmt::format("JOINTS_{}", set).c_str(), 4),
                 weights = primitive.attribute(fmt::format("WEIGHTS_{}", set).c_str(), 4);
      if (numbers.empty() || weights.empty()) {
        if (set == 0) return {};
        break;
      }
      for (size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] == 0) continue;
        require(numbers[i] >= 0 && numbers[i] < static_cast<float>(joints.size()), "{}: a vertex names joint {} of {}",
                document_.name(), numbers[i], joints.size());
        const auto& joint = joints[static_cast<size_t>(numbers[i])].values;
        for (size_t k = 0; k < 16; ++k) result[i / 4].values[k] += weights[i] * joint[k];
        sums[i / 4] += weights[i];
      }
    }
    // Quantised weights need not add up to 1 exactly. Vertices without any stay at the first joint.
    for (size_t i = 0; i < result.size(); ++i) {
      if (sums[i] <= 0) result[i] = joints.front();
      for (double& value : result[i].values) value /= sums[i] > 0 ? sums[i] : 1;
    }
    return result;
  }

  ReaderWarnings warnings_;
  GltfDocument document_;
  TextureSet textures_;
  GltfScene scene_;
  MeshBuilder builder_;
  std::vector<GltfMaterial> materials_;
};

}  // namespace

Object read_gltf(const FileSource& files, const std::string& name) {
  try {
    return GltfReader(files, name).read();
  } catch (const nlohmann::json::exception& error) {
    fail("{}: damaged glTF: {}", name, error.what());
  }
}

}  // namespace gsv3d
