#include <cmath>
#include <set>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "dataset/object_source.h"
#include "dataset/renderer.h"
#include "dataset/shards.h"
#include "evaluation/object_surface.h"
#include "evaluation/protocol.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

bool holds_shards(const fs::path& path) {
  if (!fs::is_directory(path)) return path.extension() == ".tar";
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.path().extension() == ".tar") return true;
  return false;
}

std::vector<ObjectViews> stored_views(const CaseSelection& selection) {
  std::vector<ObjectViews> result;
  std::set<std::string> seen;
  read_shards(find_shards(selection.dataset), [&](ObjectViews views) {
    throw_if_cancelled();
    const bool fits = std::abs(views.elevation_degrees - selection.elevation_degrees) < 0.01;
    if (fits && seen.insert(views.id).second) result.push_back(std::move(views));
  });
  require(!result.empty(), "{}: no orbit at an elevation of {} degrees", selection.dataset.string(), selection.elevation_degrees);
  return result;
}

/// Every count-th of `size` items, evenly spread, at most `limit` (0: all).
std::vector<size_t> spread(size_t size, int64_t limit) {
  const size_t count = limit > 0 ? std::min(size, static_cast<size_t>(limit)) : size;
  std::vector<size_t> indices;
  for (size_t i = 0; i < count; ++i) indices.push_back(i * size / count);
  return indices;
}

std::vector<ObjectViews> rendered_views(const CaseSelection& selection) {
  ViewPlan plan;
  plan.size = selection.view_size;
  plan.orbit_elevation_degrees = selection.elevation_degrees;
  ObjectSelection objects;
  objects.limit = selection.limit;
  const auto entries = list_objects(selection.dataset, objects);
  std::vector<ObjectViews> result;
  Progress progress("rendering", static_cast<int64_t>(entries.size()));
  for (size_t i = 0; i < entries.size(); ++i) {
    throw_if_cancelled();
    try {
      result.push_back(render_views(ObjectRenderer(entries[i].load()), plan, {}, make_generator(selection.seed + i)));
      result.back().id = entries[i].id;
      result.back().group = entries[i].group;
    } catch (const Cancelled&) {
      throw;
    } catch (const Error& error) {
      spdlog::warn("skipped {}: {}", entries[i].id, error.what());
    }
    progress.update(static_cast<int64_t>(i) + 1, entries[i].id);
  }
  require(!result.empty(), "{}: none of its {} objects could be rendered", selection.dataset.string(), entries.size());
  return result;
}

}  // namespace

std::vector<EvaluationCase> load_cases(const CaseSelection& selection) {
  require(fs::exists(selection.dataset) || selection.dataset.string().starts_with("procedural:"), "{} does not exist",
          selection.dataset.string());
  const bool stored = holds_shards(selection.dataset);
  std::vector<ObjectViews> views = stored ? stored_views(selection) : rendered_views(selection);
  std::vector<EvaluationCase> cases;
  for (const size_t index : spread(views.size(), selection.limit)) {
    ObjectViews object = selection.recolor ? recolored(std::move(views[index])) : std::move(views[index]);
    cases.push_back(make_case(std::move(object), selection.seed + cases.size()));
  }
  const fs::path& objects = selection.objects.empty() && !stored ? selection.dataset : selection.objects;
  if (!objects.empty()) attach_surfaces(cases, objects, selection.split_file);
  return cases;
}

}  // namespace gsv3d
