#include "dataset/object_filter.h"

#include <algorithm>

#include "core/csv.h"

namespace gsv3d {
namespace {

template <class T>
double bytes(const std::vector<T>& values) {
  return static_cast<double>(values.size() * sizeof(T));
}

/// Shortest side of the bounding box / longest side.
double thickness(const Object& object) {
  const auto [low, high] = bounding_corners(object);
  const auto [shortest, longest] = std::minmax({high[0] - low[0], high[1] - low[1], high[2] - low[2]});
  return longest > 0 ? static_cast<double>(shortest) / longest : 0;
}

bool has_texture(const Object& object) {
  return !object.colors.empty() || std::any_of(object.materials.begin(), object.materials.end(),
                                               [](const Material& m) { return m.texture >= 0 || m.emission_texture >= 0; });
}

}  // namespace

double rendering_bytes(const Object& object) {
  constexpr double copies = 2, tree_bytes = 100, pyramid = 4.0 / 3;
  double textures = 0;
  for (const Image& texture : object.textures) textures += static_cast<double>(texture.pixels.size());
  return copies * (bytes(object.positions) + bytes(object.normals) + bytes(object.uvs) + bytes(object.colors) +
                   bytes(object.triangles) + bytes(object.triangle_materials)) +
         (1 + pyramid) * textures + tree_bytes * static_cast<double>(object.triangles.size());
}

void check_limits(const Object& object, const ObjectLimits& limits) {
  const auto refuse = [](ObjectOutcome outcome, const std::string& reason) { throw ObjectRefused(outcome, reason); };
  const auto triangles = static_cast<int64_t>(object.triangles.size());
  if (limits.most_triangles > 0 && triangles > limits.most_triangles)
    refuse(ObjectOutcome::huge, fmt::format("{} triangles; the limit is {}", triangles, limits.most_triangles));
  const double megabytes = rendering_bytes(object) / 1e6;
  if (limits.most_megabytes > 0 && megabytes > limits.most_megabytes)
    refuse(ObjectOutcome::huge, fmt::format("takes {:.1f} MB; the limit is {:g}", megabytes, limits.most_megabytes));
  if (limits.least_thickness > 0 && !object.positions.empty()) {
    if (const double flat = thickness(object); flat < limits.least_thickness)
      refuse(ObjectOutcome::flat,
             fmt::format("its shortest side is {:.4f} of the longest; the limit is {:g}", flat, limits.least_thickness));
  }
  if (limits.textured_only && !has_texture(object))
    refuse(ObjectOutcome::untextured, "has neither textures nor colours of vertices");
}

void check_coverage(const ObjectViews& views, const ObjectLimits& limits) {
  if (limits.least_coverage <= 0) return;
  const double covered = views.rgba.select(1, 3).to(at::kDouble).mean().item<double>() / 255;
  if (covered < limits.least_coverage)
    throw ObjectRefused(ObjectOutcome::thin,
                        fmt::format("covers {:.4f} of its views on average; the limit is {:g}", covered, limits.least_coverage));
}

std::string outcome_text(const std::vector<ObjectRecord>& records) {
  std::string text;
  for (size_t i = 1; i < kObjectOutcomes.size(); ++i) {
    const auto count = std::count_if(records.begin(), records.end(),
                                     [&](const ObjectRecord& record) { return static_cast<size_t>(record.outcome) == i; });
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, kObjectOutcomes[i]);
  }
  return text;
}

std::string outcome_table(const std::vector<ObjectRecord>& records) {
  std::string text = "id,outcome,reason,warnings\n";
  for (const ObjectRecord& record : records)
    text += fmt::format("{},{},{},{}\n", csv_field(record.id), outcome_name(record.outcome), csv_field(record.reason),
                        csv_field(fmt::format("{}", fmt::join(record.warnings, "; "))));
  return text;
}

}  // namespace gsv3d
