#include "dataset/inspect.h"

#include <algorithm>
#include <set>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "dataset/renderer.h"
#include "dataset/shards.h"
#include "image/contact_sheet.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// Orbit views at quarter turns, and one random view: what shows orientation, back and lighting.
SheetRow sheet_row(const ObjectViews& views) {
  SheetRow row;
  row.label = fmt::format("{}  {:.1f} deg", views.id, views.elevation_degrees);
  const int64_t total = views.cameras.count(), orbit = views.orbit_views;
  std::vector<int64_t> chosen;
  for (int64_t quarter = 0; quarter < std::min<int64_t>(4, orbit); ++quarter)
    chosen.push_back(quarter * orbit / std::min<int64_t>(4, orbit));
  if (total > orbit) chosen.push_back(orbit);
  for (int64_t view : chosen) row.pictures.push_back(to_image(views.rgba[view]));
  return row;
}

bool is_shards(const fs::path& source) {
  if (fs::is_regular_file(source)) return source.extension() == ".tar";
  if (!fs::is_directory(source)) return false;
  return std::any_of(fs::directory_iterator(source), fs::directory_iterator(),
                     [](const auto& entry) { return entry.path().extension() == ".tar"; });
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

std::string inspect_shards(const fs::path& source, const InspectOptions& options) {
  const auto shards = find_shards(source);
  uintmax_t bytes = 0;
  for (const auto& shard : shards) bytes += fs::file_size(shard);
  int64_t samples = 0, views = 0, empty_views = 0, width = 0, height = 0;
  double nearest = 1e9, farthest = 0, lowest = 90, highest = -90;
  std::set<std::string> ids, groups;
  std::vector<double> coverage;
  std::vector<SheetRow> rows;
  read_shards(shards, [&](const ObjectViews& sample) {
    throw_if_cancelled();
    ++samples;
    views += sample.cameras.count();
    width = sample.cameras.width;
    height = sample.cameras.height;
    ids.insert(sample.id);
    groups.insert(sample.group.empty() ? sample.id : sample.group);
    lowest = std::min(lowest, sample.elevation_degrees);
    highest = std::max(highest, sample.elevation_degrees);
    const Tensor covered = sample.rgba.select(1, 3).to(at::kFloat).mean({1, 2}) / 255;
    empty_views += (covered == 0).sum().item<int64_t>();
    coverage.push_back(covered.mean().item<double>());
    const Tensor depths = sample.depth.masked_select(sample.depth > 0);
    if (depths.numel() > 0) {
      nearest = std::min(nearest, depths.min().item<double>());
      farthest = std::max(farthest, depths.max().item<double>());
    }
    if (!options.sheet.empty()) rows.push_back(sheet_row(sample));
  });
  require(samples > 0, "{}: the shards are empty", source.string());
  if (!options.sheet.empty()) {
    std::vector<SheetRow> spread;
    const auto wanted = std::min<int64_t>(options.sheet_objects, samples);
    for (int64_t i = 0; i < wanted; ++i) spread.push_back(rows[i * samples / wanted]);
    save_png(options.sheet, contact_sheet(spread));
  }
  return fmt::format(
      "shards        {} ({:.1f} MB, {:.0f} kB a sample)\nsamples       {} of {} objects in {} groups\nviews         {} of {} x "
      "{} pixels\n"
      "elevations    {:.1f} to {:.1f} degrees\ncoverage      mean of a sample's views: 5% {:.3f}, median {:.3f}, 95% {:.3f}; {} "
      "empty views\n"
      "depth         {:.3f} to {:.3f}\n",
      shards.size(), static_cast<double>(bytes) / 1e6, static_cast<double>(bytes) / 1e3 / static_cast<double>(samples), samples,
      ids.size(), groups.size(), views, width, height, lowest, highest, percentile(coverage, 0.05), percentile(coverage, 0.5),
      percentile(coverage, 0.95), empty_views, farthest > 0 ? nearest : 0, farthest);
}

/// Cheap, and without Embree: is some triangle's material not wholly transparent?
bool shows_anything(const Object& object) {
  return std::any_of(object.triangle_materials.begin(), object.triangle_materials.end(),
                     [&](uint32_t material) { return object.materials[material].opacity > 0; });
}

std::string inspect_objects(const fs::path& source, const ObjectSelection& selection, const InspectOptions& options) {
  const auto entries = list_objects(source, selection);
  int64_t triangles = 0, textured = 0, pixels = 0;
  std::vector<double> counts;
  std::vector<std::string> bad;
  std::vector<SheetRow> rows;
  const auto total = static_cast<int64_t>(entries.size()), wanted = std::min(options.sheet_objects, total);
  Progress progress("reading", total);
  for (int64_t i = 0; i < total; ++i) {
    throw_if_cancelled();
    progress.update(i + 1, entries[i].id);
    try {
      const Object object = entries[i].load();
      require(shows_anything(object), "nothing of the object is seen: all of its materials are transparent");
      triangles += static_cast<int64_t>(object.triangles.size());
      counts.push_back(static_cast<double>(object.triangles.size()));
      textured += object.textures.empty() ? 0 : 1;
      for (const Image& texture : object.textures) pixels += texture.width * texture.height;
      if (options.sheet.empty() || static_cast<int64_t>(rows.size()) * total > i * wanted) continue;
      ViewPlan plan;
      plan.orbit_views = 4;
      plan.random_views = 1;
      ObjectViews views = render_views(ObjectRenderer(object), plan, {}, make_generator(1));
      views.id = entries[i].id;
      rows.push_back(sheet_row(views));
    } catch (const Error& error) {
      bad.push_back(entries[i].id + ": " + error.what());
    }
  }
  if (!bad.empty() && std::ssize(bad) == total)
    fail("{}: none of {} objects can be used; the first, {}", source.string(), total, bad.front());
  if (!rows.empty()) save_png(options.sheet, contact_sheet(rows));
  std::string report = fmt::format("objects       {} ({} with textures, {} bad)\n", total, textured, bad.size());
  for (const std::string& reason : bad) report += "bad           " + reason + "\n";
  return report + fmt::format("triangles     {} in all, median {:.0f}, 95% {:.0f}\ntexture       {:.1f} megapixels in all\n",
                              triangles, percentile(counts, 0.5), percentile(counts, 0.95), static_cast<double>(pixels) / 1e6);
}

}  // namespace

std::string inspect_dataset(const fs::path& source, const ObjectSelection& selection, const InspectOptions& options) {
  require(fs::exists(source), "{}: no such file or folder", source.string());
  return is_shards(source) ? inspect_shards(source, options) : inspect_objects(source, selection, options);
}

}  // namespace gsv3d
