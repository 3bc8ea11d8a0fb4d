#include "dataset/render_dataset.h"

#include <chrono>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/dice.h"
#include "core/error.h"
#include "core/log.h"
#include "core/ordered_work.h"
#include "core/progress.h"
#include "dataset/shards.h"
#include "objects/reader_warnings.h"

namespace gsv3d {
namespace {

/// The samples of one object, ready to be written, or why there are none.
struct RenderedObject {
  std::vector<EncodedSample> samples;
  int64_t views = 0;
  ObjectRecord record;
};

void shrink(Object& object, const ObjectEntry& entry, const RenderJob& job) {
  if (job.smallest_scale >= 1) return;
  Dice dice(text_hash(fmt::format("{} scale {}", job.seed, entry.id)));
  const float factor = dice.number(static_cast<float>(job.smallest_scale), 1);
  for (auto& position : object.positions)
    for (float& value : position) value *= factor;
}

/// One sample per elevation.
void render_all(const ObjectEntry& entry, RenderJob job, RenderedObject& result) {
  using Clock = std::chrono::steady_clock;
  if (job.limits.most_seconds > 0)
    job.options.deadline =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(job.limits.most_seconds));
  Object object = entry.load();
  check_limits(object, job.limits);
  shrink(object, entry, job);
  const ObjectRenderer renderer(object);
  for (size_t i = 0; i < job.elevations_degrees.size(); ++i) {
    const ObjectViews views = render_sample(renderer, entry, job, i);
    check_coverage(views, job.limits);
    result.samples.push_back(encode_sample(views));
    result.views += views.cameras.count();
  }
}

RenderedObject render_object(const ObjectEntry& entry, const RenderJob& job) {
  RenderedObject result;
  ObjectRecord& record = result.record;
  record.id = entry.id;
  const auto left_out = [&](ObjectOutcome outcome, const std::string& reason) {
    result.samples.clear();
    result.views = 0;
    record.outcome = outcome;
    record.reason = reason;
  };
  const ReaderWarnings::Collector collector(record.warnings);
  try {
    render_all(entry, job, result);
  } catch (const ObjectRefused& refused) {
    left_out(refused.outcome, refused.what());
  } catch (const EmptyObject& empty) {
    left_out(ObjectOutcome::empty, empty.what());
  } catch (const DeadlinePassed&) {
    left_out(ObjectOutcome::slow, fmt::format("takes longer than {:g} seconds", job.limits.most_seconds));
  } catch (const Error& error) {
    left_out(ObjectOutcome::broken, error.what());
  }
  return result;
}

std::vector<ObjectEntry> shuffled(std::vector<ObjectEntry> entries, uint64_t seed) {
  Dice dice(text_hash(fmt::format("{} order", seed)));
  for (size_t i = entries.size(); i > 1; --i) std::swap(entries[i - 1], entries[dice.bits() % i]);
  return entries;
}

bool is_shard_of(const std::filesystem::path& path, const std::string& name) {
  return path.extension() == ".tar" && path.filename().string().starts_with(name + "-");
}

void refuse_existing_shards(const std::filesystem::path& folder, const std::string& name) {
  if (!std::filesystem::is_directory(folder)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    require(!is_shard_of(entry.path(), name), "{} holds shards already; choose another folder or remove them", folder.string());
}

std::string part_name(const RenderJob& job, int64_t index) {
  return job.part.count == 1 ? job.shard_name : fmt::format("{}-{}of{}", job.shard_name, index, job.part.count);
}

/// kind: "objects" or "report".
std::filesystem::path part_table(const char* kind, const RenderJob& job, int64_t index) {
  return fmt::format("{}-{}.csv", kind, part_name(job, index));
}

std::vector<ObjectEntry> every(const std::vector<ObjectEntry>& entries, const Shard& part) {
  std::vector<ObjectEntry> own;
  for (auto i = static_cast<size_t>(part.index); i < entries.size(); i += static_cast<size_t>(part.count))
    own.push_back(entries[i]);
  return own;
}

void remove_shards(const std::filesystem::path& folder, const std::string& name) {
  if (!std::filesystem::is_directory(folder)) return;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (is_shard_of(entry.path(), name)) left.push_back(entry.path());
  for (const auto& path : left) std::filesystem::remove(path);
}

/// KIND.csv of the tables of all parts, once all are there. Two parts that end together write the same.
void join_tables(const char* kind, const std::filesystem::path& folder, const RenderJob& job) {
  std::string all;
  for (int64_t i = 0; i < job.part.count; ++i) {
    if (!std::filesystem::exists(folder / part_table(kind, job, i))) return;
    const std::string table = read_file(folder / part_table(kind, job, i));
    all += i == 0 ? table : table.substr(table.find('\n') + 1);
  }
  write_file(folder / fmt::format("{}.csv", kind), all);
}

/// The list of objects last: it says that no more comes.
void join_all(const std::filesystem::path& folder, const RenderJob& job) {
  join_tables("report", folder, job);
  join_tables("objects", folder, job);
}

}  // namespace

ObjectViews render_sample(const ObjectRenderer& renderer, const ObjectEntry& entry, const RenderJob& job, size_t index) {
  const at::Generator generator = make_generator(text_hash(fmt::format("{} {} {}", job.seed, index, entry.id)));
  ViewPlan plan = job.plan;
  const double draw = at::rand({1}, generator, at::TensorOptions().dtype(at::kDouble)).item<double>();
  plan.orbit_elevation_degrees = job.elevations_degrees.at(index).value_or(
      job.min_elevation_degrees + draw * (job.max_elevation_degrees - job.min_elevation_degrees));
  RenderOptions options = job.options;
  // Numbers of its own: cameras are the same with and without.
  Dice dice(text_hash(fmt::format("{} light {} {}", job.seed, index, entry.id)));
  if (job.light_jitter > 0) options.lighting = random_lighting(dice, job.light_jitter);
  ObjectViews views = render_views(renderer, plan, options, generator);
  views.id = entry.id;
  views.group = entry.group;
  return views;
}

RenderReport render_dataset(const std::vector<ObjectEntry>& listed, const RenderJob& job, const std::filesystem::path& folder) {
  require(!job.elevations_degrees.empty(), "at least one elevation is needed");
  require(job.light_jitter >= 0 && job.light_jitter <= 1 && job.smallest_scale > 0 && job.smallest_scale <= 1,
          "a jitter of the light of {} and a smallest scale of {} are not within 0 to 1", job.light_jitter, job.smallest_scale);
  const std::string name = part_name(job, job.part.index);
  RenderReport report;
  if (job.part.count == 1) {
    refuse_existing_shards(folder, name);
  } else if (std::filesystem::exists(folder / part_table("objects", job, job.part.index))) {
    join_all(folder, job);
    report.was_done = true;
    return report;
  } else {
    remove_shards(folder, name);
  }
  const std::vector<ObjectEntry> entries = every(job.shuffle ? shuffled(listed, job.seed) : listed, job.part);
  ShardWriter writer(folder, name, job.samples_per_shard);
  std::vector<ObjectEntry> rendered;
  const auto total = static_cast<int64_t>(entries.size());
  Progress progress("rendering", total);
  ordered_work(
      total, [&](int64_t i) { return render_object(entries[i], job); },
      [&](int64_t i, const RenderedObject& object) {
        throw_if_cancelled();
        report.records.push_back(object.record);
        if (object.record.outcome != ObjectOutcome::rendered) {
          report.failures.push_back(entries[i].id + ": " + object.record.reason);
          spdlog::warn("skipped {}", report.failures.back());
        }
        for (const EncodedSample& sample : object.samples) writer.add(sample);
        report.samples += static_cast<int64_t>(object.samples.size());
        report.views += object.views;
        if (!object.samples.empty()) rendered.push_back(entries[i]);
        progress.update(i + 1, entries[i].id);
      });
  report.objects = static_cast<int64_t>(rendered.size());
  require(report.objects > 0 || entries.empty(), "none of the {} objects could be rendered; the first: {}", entries.size(),
          report.failures.empty() ? "" : report.failures.front());
  writer.finish();
  const std::string table = outcome_table(report.records);
  if (job.part.count == 1) {
    write_file(folder / "report.csv", table);
    write_object_list(folder / "objects.csv", rendered);
  } else {
    write_file(folder / part_table("report", job, job.part.index), table);
    write_object_list(folder / part_table("objects", job, job.part.index), rendered);
    join_all(folder, job);
  }
  return report;
}

}  // namespace gsv3d
