#include "objects/mesh_builder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <unordered_map>

#include "core/error.h"
#include "core/fingerprint.h"
#include "objects/polygon.h"
#include "objects/vector.h"

namespace gsv3d {
namespace {

constexpr size_t kMaxTriangles = 20'000'000;

Vector scaled(const Vector& a, float factor) {
  return {a[0] * factor, a[1] * factor, a[2] * factor};
}

uint32_t bits(float value) {
  value += 0.0F;  // -0 and 0 are one place
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

}  // namespace

void MeshBuilder::add_triangle(const Corner& a, const Corner& b, const Corner& c, uint32_t material) {
  const Vector area =
      cross(subtract(positions[b.position], positions[a.position]), subtract(positions[c.position], positions[a.position]));
  if (!(length(area) > 1e-30F) || !std::isfinite(length(area))) return;
  require(triangles_.size() < kMaxTriangles, "an object has more than {} triangles", kMaxTriangles);
  triangles_.push_back({{a, b, c}, material});
}

void MeshBuilder::add_polygon(std::span<const Corner> corners, uint32_t material) {
  if (corners.size() < 3) return;
  if (corners.size() == 3) return add_triangle(corners[0], corners[1], corners[2], material);
  std::vector<Vector> points(corners.size());
  for (size_t i = 0; i < corners.size(); ++i) points[i] = positions[corners[i].position];
  for (const auto& [a, b, c] : triangulate(points)) add_triangle(corners[a], corners[b], corners[c], material);
}

std::vector<uint32_t> MeshBuilder::weld_positions() const {
  std::unordered_map<std::array<uint32_t, 3>, uint32_t, FingerprintHash> seen(positions.size());
  std::vector<uint32_t> welded(positions.size());
  for (uint32_t i = 0; i < positions.size(); ++i)
    welded[i] = seen.try_emplace({bits(positions[i][0]), bits(positions[i][1]), bits(positions[i][2])}, i).first->second;
  return welded;
}

void MeshBuilder::remove_doubled_triangles() {
  const auto welded = weld_positions();
  std::unordered_map<std::array<uint32_t, 4>, bool, FingerprintHash> seen(triangles_.size());
  std::erase_if(triangles_, [&](const Face& face) {
    std::array<uint32_t, 3> key{welded[face.corners[0].position], welded[face.corners[1].position],
                                welded[face.corners[2].position]};
    std::sort(key.begin(), key.end());
    return !seen.try_emplace({key[0], key[1], key[2], face.material}, true).second;
  });
}

std::vector<std::array<Vector, 3>> MeshBuilder::corner_normals(double crease_degrees) const {
  // Around a hub of many faces every comparison with every other would be quadratic; beyond this the face's own normal has to do.
  constexpr uint32_t kMaxValence = 256;
  const auto welded = weld_positions();
  std::vector<Vector> areas(triangles_.size());
  std::vector<uint32_t> begin(positions.size() + 1, 0);
  for (size_t t = 0; t < triangles_.size(); ++t) {
    const auto& c = triangles_[t].corners;
    const Vector& origin = positions[c[0].position];
    areas[t] = cross(subtract(positions[c[1].position], origin), subtract(positions[c[2].position], origin));
    for (const Corner& corner : c) ++begin[welded[corner.position] + 1];
  }
  for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  std::vector<uint32_t> faces(begin.back()), filled = begin;
  for (uint32_t t = 0; t < triangles_.size(); ++t)
    for (const Corner& corner : triangles_[t].corners) faces[filled[welded[corner.position]]++] = t;

  const auto crease = static_cast<float>(std::cos(crease_degrees * std::numbers::pi / 180));
  std::vector<std::array<Vector, 3>> result(triangles_.size());
  for (size_t t = 0; t < triangles_.size(); ++t) {
    const Vector own = scaled(areas[t], 1 / length(areas[t]));
    for (int k = 0; k < 3; ++k) {
      const Corner& corner = triangles_[t].corners[k];
      if (corner.normal >= 0 && length(normals[corner.normal]) > 1e-6F) {
        result[t][k] = scaled(normals[corner.normal], 1 / length(normals[corner.normal]));
        continue;
      }
      const uint32_t vertex = welded[corner.position];
      Vector sum{};
      if (begin[vertex + 1] - begin[vertex] <= kMaxValence)
        for (uint32_t f = begin[vertex]; f < begin[vertex + 1]; ++f) {
          const Vector& area = areas[faces[f]];
          const float along = dot(own, area);
          if (std::abs(along) < crease * length(area)) continue;
          for (int axis = 0; axis < 3; ++axis) sum[axis] += along < 0 ? -area[axis] : area[axis];
        }
      const float size = length(sum);
      result[t][k] = size > 0 ? scaled(sum, 1 / size) : own;
    }
  }
  return result;
}

std::array<float, 2> MeshBuilder::uv_of(const Corner& corner, uint32_t material) const {
  std::array<float, 2> uv = corner.uv >= 0 ? uvs[corner.uv] : std::array<float, 2>{0, 0};
  if (material < uv_transforms.size())
    for (int axis = 0; axis < 2; ++axis)
      uv[axis] = uv[axis] * uv_transforms[material].scale[axis] + uv_transforms[material].offset[axis];
  return uv;
}

std::array<float, 4> MeshBuilder::color_of(const Corner& corner, uint32_t material) const {
  const bool is_white = colors.empty() || (material < uncolored_materials.size() && uncolored_materials[material]);
  return is_white ? std::array<float, 4>{1, 1, 1, 1} : colors[corner.position];
}

Object MeshBuilder::build(double crease_degrees) {
  remove_doubled_triangles();
  const auto face_normals = corner_normals(crease_degrees);
  Object object;
  std::unordered_map<std::array<uint32_t, 12>, uint32_t, FingerprintHash> seen(positions.size());
  for (size_t t = 0; t < triangles_.size(); ++t) {
    std::array<uint32_t, 3> triangle{};
    for (int k = 0; k < 3; ++k) {
      const Corner& corner = triangles_[t].corners[k];
      const Vector &p = positions[corner.position], &n = face_normals[t][k];
      const std::array<float, 2> uv = uv_of(corner, triangles_[t].material);
      const std::array<float, 4> color = color_of(corner, triangles_[t].material);
      const auto [entry, is_new] =
          seen.try_emplace({bits(p[0]), bits(p[1]), bits(p[2]), bits(n[0]), bits(n[1]), bits(n[2]), bits(uv[0]), bits(uv[1]),
                            bits(color[0]), bits(color[1]), bits(color[2]), bits(color[3])},
                           static_cast<uint32_t>(object.positions.size()));
      if (is_new) {
        object.positions.push_back(p);
        object.normals.push_back(n);
        object.uvs.push_back(uv);
        if (!colors.empty()) object.colors.push_back(color);
      }
      triangle[k] = entry->second;
    }
    object.triangles.push_back(triangle);
    object.triangle_materials.push_back(triangles_[t].material);
  }
  return object;
}

}  // namespace gsv3d
