// Files of a test in memory, and what else the tests of objects/ and dataset/ share.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "errors.h"
#include "objects/object.h"
#include "objects/object_files.h"
#include "temporary_folder.h"

namespace gsv3d::testing {

class MemoryFiles : public FileSource {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  std::optional<std::string> read(const std::string& name) const override {
    const auto found = files_.find(name);
    return found == files_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto& [name, unused] : files_) result.push_back(name);
    return result;
  }

 private:
  std::map<std::string, std::string> files_;
};

/// True when the build lacks the library that `action` needs.
inline bool lacks_library(const std::function<void()>& action) {
  return error_of(action).find("this build") != std::string::npos;
}

/// A rectangle in the plane z, corners (±half, ±half), texture coordinates 0-1 times `repeats`, v upward.
inline Object rectangle(float half, float z, const Material& material, float repeats = 1) {
  Object object;
  object.positions = {{-half, -half, z}, {half, -half, z}, {half, half, z}, {-half, half, z}};
  object.normals.assign(4, {0, 0, 1});
  object.uvs = {{0, 0}, {repeats, 0}, {repeats, repeats}, {0, repeats}};
  object.triangles = {{0, 1, 2}, {0, 2, 3}};
  object.triangle_materials = {0, 0};
  object.materials = {material};
  return object;
}

/// The triangles of `other` with materials of their own behind those of `object`.
inline void append(Object& object, const Object& other) {
  const auto vertices = static_cast<uint32_t>(object.positions.size()),
             materials = static_cast<uint32_t>(object.materials.size());
  object.positions.insert(object.positions.end(), other.positions.begin(), other.positions.end());
  object.normals.insert(object.normals.end(), other.normals.begin(), other.normals.end());
  object.uvs.insert(object.uvs.end(), other.uvs.begin(), other.uvs.end());
  for (auto [a, b, c] : other.triangles) object.triangles.push_back({a + vertices, b + vertices, c + vertices});
  for (uint32_t material : other.triangle_materials) object.triangle_materials.push_back(material + materials);
  object.materials.insert(object.materials.end(), other.materials.begin(), other.materials.end());
}

/// Latitude-longitude sphere around the origin with exact normals.
inline Object sphere(float radius, int rings, int segments) {
  Object object;
  constexpr float kPi = 3.14159265F;
  for (int i = 0; i <= rings; ++i)
    for (int j = 0; j <= segments; ++j) {
      const float polar = kPi * static_cast<float>(i) / static_cast<float>(rings),
                  turn = 2 * kPi * static_cast<float>(j) / static_cast<float>(segments);
      const std::array<float, 3> n{std::sin(polar) * std::sin(turn), std::cos(polar), std::sin(polar) * std::cos(turn)};
      object.normals.push_back(n);
      object.positions.push_back({radius * n[0], radius * n[1], radius * n[2]});
      object.uvs.push_back({turn / (2 * kPi), 1 - polar / kPi});
    }
  const auto at = [&](int i, int j) { return static_cast<uint32_t>(i * (segments + 1) + j); };
  for (int i = 0; i < rings; ++i)
    for (int j = 0; j < segments; ++j) {
      if (i > 0) object.triangles.push_back({at(i, j), at(i + 1, j), at(i, j + 1)});
      if (i + 1 < rings) object.triangles.push_back({at(i, j + 1), at(i + 1, j), at(i + 1, j + 1)});
    }
  object.triangle_materials.assign(object.triangles.size(), 0);
  object.materials = {Material{}};
  return object;
}

}  // namespace gsv3d::testing
