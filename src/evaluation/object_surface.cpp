#include "evaluation/object_surface.h"

#include <algorithm>
#include <map>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "dataset/object_source.h"

namespace gsv3d {

TriangleSurface surface_of_object(const Object& object) {
  TriangleSurface surface{at::empty({static_cast<int64_t>(object.positions.size()), 3}, at::kFloat),
                          at::empty({static_cast<int64_t>(object.triangles.size()), 3}, at::kLong)};
  float* positions = surface.vertices.data_ptr<float>();
  for (const auto& position : object.positions)
    for (const float value : position) *positions++ = value;
  int64_t* corners = surface.triangles.data_ptr<int64_t>();
  for (const auto& triangle : object.triangles)
    for (const uint32_t vertex : triangle) *corners++ = vertex;
  return surface;
}

TriangleSurface surface_of_mesh(const Mesh& mesh) {
  TriangleSurface surface{at::empty({static_cast<int64_t>(mesh.positions.size()), 3}, at::kFloat),
                          at::empty({static_cast<int64_t>(mesh.triangles.size()), 3}, at::kLong)};
  float* positions = surface.vertices.data_ptr<float>();
  for (const auto& [x, y, z] : mesh.positions) *positions++ = x, *positions++ = y, *positions++ = z;
  int64_t* corners = surface.triangles.data_ptr<int64_t>();
  for (const auto& triangle : mesh.triangles)
    for (const uint32_t vertex : triangle) *corners++ = vertex;
  return surface;
}

void attach_surfaces(std::vector<EvaluationCase>& cases, const std::vector<std::string>& ids, const std::filesystem::path& source,
                     const std::filesystem::path& split_file) {
  ObjectSelection selection;
  selection.split_file = split_file;
  std::map<std::string, ObjectEntry> entries;
  for (auto& entry : list_objects(source, selection)) entries.emplace(entry.id, entry);
  const bool any = std::any_of(ids.begin(), ids.end(), [&](const std::string& id) { return entries.count(id) > 0; });
  require(any, "{}: holds none of the {} objects by their ids, the first is \"{}\"", source.string(), ids.size(),
          ids.empty() ? "" : ids.front());
  Progress progress("true surfaces", static_cast<int64_t>(cases.size()));
  int64_t done = 0;
  for (EvaluationCase& object : cases) {
    throw_if_cancelled();
    const std::string& id = object.truth.id;
    const auto entry = entries.find(id);
    try {
      require(entry != entries.end(), "no object of this id in {}", source.string());
      object.surface = surface_of_object(entry->second.load());
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& error) {
      spdlog::warn("{}: no scores of geometry: {}", id, error.what());
    }
    progress.update(++done, id);
  }
}

}  // namespace gsv3d
