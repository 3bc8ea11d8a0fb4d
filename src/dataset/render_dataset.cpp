#include "dataset/render_dataset.h"

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "dataset/shards.h"

namespace gsv3d {
namespace {

/// FNV-1a: the same on every machine, unlike std::hash.
uint64_t text_hash(const std::string& text) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001B3ULL;
  return hash;
}

/// One sample per elevation.
std::vector<ObjectViews> render_object(const ObjectEntry& entry, const RenderJob& job) {
  const ObjectRenderer renderer(entry.load());
  std::vector<ObjectViews> samples;
  for (size_t i = 0; i < job.elevations_degrees.size(); ++i) {
    const at::Generator generator = make_generator(text_hash(fmt::format("{} {} {}", job.seed, i, entry.id)));
    ViewPlan plan = job.plan;
    const double draw = at::rand({1}, generator, at::TensorOptions().dtype(at::kDouble)).item<double>();
    plan.orbit_elevation_degrees = job.elevations_degrees[i].value_or(
        job.min_elevation_degrees + draw * (job.max_elevation_degrees - job.min_elevation_degrees));
    ObjectViews views = render_views(renderer, plan, job.options, generator);
    views.id = entry.id;
    views.group = entry.group;
    samples.push_back(std::move(views));
  }
  return samples;
}

void refuse_existing_shards(const std::filesystem::path& folder, const std::string& name) {
  if (!std::filesystem::is_directory(folder)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    require(entry.path().extension() != ".tar" || !entry.path().filename().string().starts_with(name + "-"),
            "{} holds shards already; choose another folder or remove them", folder.string());
}

}  // namespace

RenderReport render_dataset(const std::vector<ObjectEntry>& entries, const RenderJob& job, const std::filesystem::path& folder) {
  require(!job.elevations_degrees.empty(), "at least one elevation is needed");
  refuse_existing_shards(folder, job.shard_name);
  ShardWriter writer(folder, job.shard_name, job.samples_per_shard);
  RenderReport report;
  std::vector<ObjectEntry> rendered;
  {
    Progress progress("rendering", static_cast<int64_t>(entries.size()));
    for (size_t i = 0; i < entries.size(); ++i) {
      throw_if_cancelled();
      std::vector<ObjectViews> samples;
      try {
        samples = render_object(entries[i], job);
      } catch (const Error& error) {
        report.failures.push_back(entries[i].id + ": " + error.what());
        spdlog::warn("skipped {}", report.failures.back());
      }
      // Outside of the try: a full disk is no object's fault.
      for (const ObjectViews& sample : samples) {
        writer.add(sample);
        ++report.samples;
        report.views += sample.cameras.count();
      }
      if (!samples.empty()) rendered.push_back(entries[i]);
      progress.update(static_cast<int64_t>(i) + 1, entries[i].id);
    }
  }
  report.objects = static_cast<int64_t>(rendered.size());
  require(report.objects > 0, "none of the {} objects could be rendered; the first: {}", entries.size(),
          report.failures.empty() ? "" : report.failures.front());
  writer.finish();
  write_object_list(folder / "objects.csv", rendered);
  return report;
}

}  // namespace gsv3d
