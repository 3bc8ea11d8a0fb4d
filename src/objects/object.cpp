#include "objects/object.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

void drop_unused_vertices(Object& object) {
  constexpr uint32_t kUnused = UINT32_MAX;
  std::vector<uint32_t> renumbered(object.positions.size(), kUnused);
  for (const auto& triangle : object.triangles)
    for (uint32_t index : triangle) renumbered[index] = 0;
  uint32_t kept = 0;
  for (size_t i = 0; i < renumbered.size(); ++i) {
    if (renumbered[i] == kUnused) continue;
    object.positions[kept] = object.positions[i];
    object.normals[kept] = object.normals[i];
    object.uvs[kept] = object.uvs[i];
    if (!object.colors.empty()) object.colors[kept] = object.colors[i];
    renumbered[i] = kept++;
  }
  object.positions.resize(kept);
  object.normals.resize(kept);
  object.uvs.resize(kept);
  if (!object.colors.empty()) object.colors.resize(kept);
  for (auto& triangle : object.triangles)
    for (uint32_t& index : triangle) index = renumbered[index];
}

}  // namespace

void transform_object(Object& object, const Matrix3& matrix) {
  const Matrix3 normal_matrix = cofactors(matrix);
  const float determinant = matrix[0] * normal_matrix[0] + matrix[1] * normal_matrix[1] + matrix[2] * normal_matrix[2];
  require(std::isfinite(determinant) && std::abs(determinant) > 1e-12F, "an object's transformation is singular");
  for (auto& position : object.positions) position = multiply(matrix, position);
  for (auto& normal : object.normals) {
    normal = multiply(normal_matrix, normal);
    const float length = std::sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
    if (length > 0)
      for (float& component : normal) component /= length;
  }
}

std::array<std::array<float, 3>, 2> bounding_corners(const Object& object) {
  std::array<float, 3> low = object.positions.front(), high = low;
  for (const auto& position : object.positions)
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], position[axis]);
      high[axis] = std::max(high[axis], position[axis]);
    }
  return {low, high};
}

void normalize_object(Object& object) {
  drop_unused_vertices(object);
  if (object.positions.empty()) throw EmptyObject("an object has no surface");
  const auto [low, high] = bounding_corners(object);
  std::array<float, 3> centre{};
  float longest = 0;
  for (int axis = 0; axis < 3; ++axis) {
    centre[axis] = 0.5F * (low[axis] + high[axis]);
    longest = std::max(longest, high[axis] - low[axis]);
  }
  double farthest = 0;
  for (const auto& position : object.positions)
    farthest =
        std::max(farthest, std::hypot(static_cast<double>(position[0]) - centre[0], static_cast<double>(position[1]) - centre[1],
                                      static_cast<double>(position[2]) - centre[2]));
  require(std::isfinite(longest) && std::isfinite(farthest), "an object has coordinates that are not finite");
  if (longest <= 0) throw EmptyObject("an object has no extent");
  const auto scale = static_cast<float>(std::min(1.0 / longest, 0.57 / farthest));
  for (auto& position : object.positions)
    for (int axis = 0; axis < 3; ++axis) position[axis] = (position[axis] - centre[axis]) * scale;
}

void check_object(const Object& object, const std::string& where) {
  if (object.triangles.empty()) throw EmptyObject(fmt::format("{}: no triangles", where));
  require(object.positions.size() < UINT32_MAX && object.normals.size() == object.positions.size() &&
              object.uvs.size() == object.positions.size() && object.triangle_materials.size() == object.triangles.size() &&
              (object.colors.empty() || object.colors.size() == object.positions.size()),
          "{}: counts of vertices, normals, texture coordinates, colours or triangles disagree", where);
  for (const auto& triangle : object.triangles)
    for (uint32_t index : triangle)
      require(index < object.positions.size(), "{}: a triangle names vertex {}, which does not exist", where, index);
  for (uint32_t material : object.triangle_materials)
    require(material < object.materials.size(), "{}: unknown material {}", where, material);
  for (const auto& material : object.materials) {
    for (const auto* color : {&material.color, &material.emission})
      for (float value : *color)
        require(value >= 0 && value <= 1, "{}: a material's colour of {} is not within 0 to 1", where, value);
    require(material.opacity >= 0 && material.opacity <= 1 && material.alpha_cutoff >= 0, "{}: a material's opacity of {}", where,
            material.opacity);
    for (const int32_t texture : {material.texture, material.emission_texture})
      require(texture >= -1 && texture < static_cast<int64_t>(object.textures.size()), "{}: unknown texture {}", where, texture);
  }
  for (const auto& texture : object.textures)
    require(texture.width > 0 && texture.height > 0 &&
                texture.pixels.size() == static_cast<size_t>(texture.width * texture.height * 4),
            "{}: a texture has no pixels", where);
  for (const auto* vectors : {&object.positions, &object.normals})
    for (const auto& vector : *vectors)
      for (float value : vector) require(std::isfinite(value), "{}: a coordinate is not a finite number", where);
  for (const auto& color : object.colors)
    for (float value : color) require(value >= 0 && value <= 1, "{}: a vertex colour of {} is not within 0 to 1", where, value);
  // Within this range the renderer's arithmetic on texture coordinates stays finite.
  for (const auto& uv : object.uvs)
    for (float value : uv) require(std::abs(value) <= 1e6F, "{}: a texture coordinate of {} is out of range", where, value);
}

}  // namespace gsv3d
