#include "objects/object.h"

#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

/// Rotations and mirrors keep the inverse transpose equal to themselves up to sign; the cofactor matrix covers every other matrix
/// too.
Matrix3 cofactors(const Matrix3& m) {
  return {m[4] * m[8] - m[5] * m[7], m[5] * m[6] - m[3] * m[8], m[3] * m[7] - m[4] * m[6],
          m[2] * m[7] - m[1] * m[8], m[0] * m[8] - m[2] * m[6], m[1] * m[6] - m[0] * m[7],
          m[1] * m[5] - m[2] * m[4], m[2] * m[3] - m[0] * m[5], m[0] * m[4] - m[1] * m[3]};
}

std::array<float, 3> multiply(const Matrix3& m, const std::array<float, 3>& v) {
  return {m[0] * v[0] + m[1] * v[1] + m[2] * v[2], m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
          m[6] * v[0] + m[7] * v[1] + m[8] * v[2]};
}

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
    renumbered[i] = kept++;
  }
  object.positions.resize(kept);
  object.normals.resize(kept);
  object.uvs.resize(kept);
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

void normalize_object(Object& object) {
  drop_unused_vertices(object);
  require(!object.positions.empty(), "an object has no surface");
  std::array<float, 3> low = object.positions.front(), high = low, centre{};
  for (const auto& position : object.positions)
    for (int axis = 0; axis < 3; ++axis) {
      low[axis] = std::min(low[axis], position[axis]);
      high[axis] = std::max(high[axis], position[axis]);
    }
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
  require(std::isfinite(longest) && longest > 0 && std::isfinite(farthest),
          "an object has no extent, or coordinates that are not finite");
  const auto scale = static_cast<float>(std::min(1.0 / longest, 0.57 / farthest));
  for (auto& position : object.positions)
    for (int axis = 0; axis < 3; ++axis) position[axis] = (position[axis] - centre[axis]) * scale;
}

void check_object(const Object& object, const std::string& where) {
  require(!object.triangles.empty(), "{}: no triangles", where);
  require(object.positions.size() < UINT32_MAX && object.normals.size() == object.positions.size() &&
              object.uvs.size() == object.positions.size() && object.triangle_materials.size() == object.triangles.size(),
          "{}: counts of vertices, normals, texture coordinates or triangles disagree", where);
  for (const auto& triangle : object.triangles)
    for (uint32_t index : triangle)
      require(index < object.positions.size(), "{}: a triangle names vertex {}, which does not exist", where, index);
  for (uint32_t material : object.triangle_materials)
    require(material < object.materials.size(), "{}: unknown material {}", where, material);
  for (const auto& material : object.materials)
    require(material.texture >= -1 && material.texture < static_cast<int64_t>(object.textures.size()), "{}: unknown texture {}",
            where, material.texture);
  for (const auto& texture : object.textures)
    require(texture.width > 0 && texture.height > 0 &&
                texture.pixels.size() == static_cast<size_t>(texture.width * texture.height * 4),
            "{}: a texture has no pixels", where);
  for (const auto* vectors : {&object.positions, &object.normals})
    for (const auto& vector : *vectors)
      for (float value : vector) require(std::isfinite(value), "{}: a coordinate is not a finite number", where);
  // Within this range the renderer's arithmetic on texture coordinates stays finite.
  for (const auto& uv : object.uvs)
    for (float value : uv) require(std::abs(value) <= 1e6F, "{}: a texture coordinate of {} is out of range", where, value);
}

}  // namespace gsv3d
