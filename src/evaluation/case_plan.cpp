#include "evaluation/case_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/config.h"
#include "core/dice.h"
#include "core/error.h"
#include "core/log.h"
#include "core/ordered_work.h"
#include "core/progress.h"
#include "dataset/render_dataset.h"
#include "dataset/shards.h"
#include "evaluation/object_surface.h"
#include "evaluation/split_record.h"
#include "objects/text_lines.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

bool holds_shards(const fs::path& path) {
  if (!fs::is_directory(path)) return path.extension() == ".tar";
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.path().extension() == ".tar") return true;
  return false;
}

bool is_at_elevation(const ObjectViews& views, const EvaluationProtocol& protocol) {
  constexpr double close = 0.01;
  const double elevation = views.elevation_degrees;
  if (protocol.orbit_elevation_degrees) return std::abs(elevation - *protocol.orbit_elevation_degrees) < close;
  return elevation > protocol.min_elevation_degrees - close && elevation < protocol.max_elevation_degrees + close;
}

/// Calls on_sample once for each object of the shards that has an orbit at the protocol's elevation.
void read_fitting_shards(const CaseSelection& selection, const std::function<void(ObjectViews)>& on_sample) {
  std::set<std::string> seen;
  read_shards(find_shards(selection.dataset), [&](ObjectViews views) {
    throw_if_cancelled();
    if (is_at_elevation(views, selection.protocol) && seen.insert(views.id).second) on_sample(std::move(views));
  });
}

std::vector<ObjectEntry> listed_objects(const CaseSelection& selection) {
  ObjectSelection objects;
  objects.split_file = selection.split_file;
  objects.split = selection.protocol.split;
  return list_objects(selection.dataset, objects);
}

/// The ids that the uids mean.
std::vector<std::string> chosen_by_uid(const std::vector<std::string>& ids, const std::vector<std::string>& uids) {
  std::map<std::string, std::string> known;
  for (const std::string& id : ids) known.emplace(fs::path(id).filename().string(), id);
  for (const std::string& id : ids) known[id] = id;
  std::vector<std::string> chosen;
  std::set<std::string> seen;
  for (const std::string& uid : uids) {
    const auto found = known.find(uid);
    const std::string& id = found == known.end() ? uid : found->second;
    if (seen.insert(id).second) chosen.push_back(id);
  }
  return chosen;
}

/// `count` of the ids, those whose hash with the seed is smallest: whether one is chosen depends on the others' ids, not on their
/// order.
std::vector<std::string> drawn(const std::vector<std::string>& ids, int64_t count, uint64_t seed) {
  if (count <= 0 || count >= static_cast<int64_t>(ids.size())) return ids;
  const auto hash = [&](const std::string& id) { return Dice(text_hash(fmt::format("{} chosen {}", seed, id))).bits(); };
  std::vector<size_t> order(ids.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<uint64_t> hashes;
  for (const std::string& id : ids) hashes.push_back(hash(id));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return hashes[a] < hashes[b]; });
  order.resize(static_cast<size_t>(count));
  std::sort(order.begin(), order.end());
  std::vector<std::string> result;
  for (const size_t place : order) result.push_back(ids[place]);
  return result;
}

/// At most `limit` (0: all), evenly spread.
std::vector<std::string> spread(const std::vector<std::string>& ids, int64_t limit) {
  const size_t count = limit > 0 ? std::min(ids.size(), static_cast<size_t>(limit)) : ids.size();
  std::vector<std::string> result;
  for (size_t i = 0; i < count; ++i) result.push_back(ids[i * ids.size() / count]);
  return result;
}

/// Puts a camera of its own in front of the orbit, which is then scored as a whole.
void add_input_camera(ObjectViews& views, const ObjectRenderer& renderer, const RenderJob& job, double elevation_degrees) {
  const Cameras camera = look_at_cameras({0}, {elevation_degrees}, job.plan.size, job.plan.lens);
  const TracedViews input = renderer.render(camera, job.options);
  require(input.rgba.select(1, 3).any().item<bool>(), "nothing of the object is seen in the input view");
  views.rgba = at::cat({input.rgba, views.rgba});
  views.depth = at::cat({input.depth, views.depth});
  views.cameras = concatenate({camera, views.cameras});
  ++views.orbit_views;
}

RenderJob render_job(const CaseSelection& selection) {
  const EvaluationProtocol& protocol = selection.protocol;
  RenderJob job;
  job.plan.size = selection.view_size;
  job.plan.orbit_views = protocol.orbit_views;
  job.plan.random_views = protocol.random_views;
  job.elevations_degrees = {protocol.orbit_elevation_degrees};
  job.min_elevation_degrees = protocol.min_elevation_degrees, job.max_elevation_degrees = protocol.max_elevation_degrees;
  job.seed = selection.seed;
  return job;
}

/// What one object's rendering gave.
struct Rendered {
  ObjectViews views;
  std::string error;
};

ObjectViews rendered_views_of(const std::string& id, const ObjectEntry* entry, const CaseSelection& selection) {
  require(entry != nullptr, "no such object in {}", selection.dataset.string());
  const RenderJob job = render_job(selection);
  const ObjectRenderer renderer(entry->load());
  ObjectViews views = render_sample(renderer, *entry, job, 0);
  views.id = id;
  if (const auto elevation = selection.protocol.input_elevation_degrees) add_input_camera(views, renderer, job, *elevation);
  return views;
}

/// The object's views out of the cache, or rendered and then put there; from there in any case, so that they are the same.
ObjectViews cached_views_of(const fs::path& cache, const std::string& stem, const std::string& id, const ObjectEntry* entry,
                            const CaseSelection& selection) {
  const fs::path path = cache / (stem + "-000000.tar");
  if (!fs::exists(path)) {
    const ObjectViews views = rendered_views_of(id, entry, selection);
    ShardWriter writer(cache, stem, 1);
    writer.add(views);
    writer.finish();
  }
  return std::move(read_all_views(path).at(0));
}

/// Views at these places of the plan, each empty with its reason when there are none.
std::map<size_t, Rendered> rendered_views(const CaseSelection& selection, const CasePlan& plan, const std::vector<size_t>& places,
                                          const fs::path& cache) {
  const std::vector<ObjectEntry> entries = listed_objects(selection);
  std::map<std::string, const ObjectEntry*> by_id;
  for (const ObjectEntry& entry : entries) by_id[entry.id] = &entry;
  std::map<size_t, Rendered> result;
  Progress progress("rendering the truth", static_cast<int64_t>(places.size()));
  ordered_work(
      static_cast<int64_t>(places.size()),
      [&](int64_t i) {
        const std::string& id = plan.ids[places[i]];
        const auto found = by_id.find(id);
        const ObjectEntry* entry = found == by_id.end() ? nullptr : found->second;
        Rendered rendered;
        try {
          rendered.views = cache.empty() ? rendered_views_of(id, entry, selection)
                                         : cached_views_of(cache, object_file_stem(places[i], id), id, entry, selection);
        } catch (const Cancelled&) {
          throw;
        } catch (const Error& error) {
          rendered.error = error.what();
        }
        return rendered;
      },
      [&](int64_t i, Rendered rendered) {
        throw_if_cancelled();
        result[places[i]] = std::move(rendered);
        progress.update(i + 1, plan.ids[places[i]]);
      });
  return result;
}

std::map<size_t, Rendered> stored_views(const CaseSelection& selection, const CasePlan& plan, const std::vector<size_t>& places) {
  std::map<std::string, size_t> wanted;
  std::map<size_t, Rendered> result;
  for (const size_t place : places) {
    wanted[plan.ids[place]] = place;
    result[place].error = "no such object in " + selection.dataset.string();
  }
  if (!wanted.empty())
    read_fitting_shards(selection, [&](ObjectViews views) {
      const auto found = wanted.find(views.id);
      if (found != wanted.end()) result[found->second] = {std::move(views), ""};
    });
  return result;
}

std::string shard_elevation(const EvaluationProtocol& protocol) {
  return protocol.orbit_elevation_degrees ? fmt::format("an elevation of {} degrees", *protocol.orbit_elevation_degrees)
                                          : fmt::format("an elevation between {} and {} degrees", protocol.min_elevation_degrees,
                                                        protocol.max_elevation_degrees);
}

/// Of shards; sets the sizes of views too.
std::vector<std::string> stored_ids(const CaseSelection& selection, CasePlan& plan) {
  if (selection.protocol.input_elevation_degrees)
    throw UsageError("--input-elevation takes object files: stored views have no view of their own for the input");
  std::vector<std::string> ids;
  read_fitting_shards(selection, [&](const ObjectViews& views) {
    if (ids.empty()) {
      plan.view_size = views.rgba.size(3);
      plan.orbit_views = views.orbit_views - 1;
      plan.random_views = views.rgba.size(0) - views.orbit_views;
    }
    ids.push_back(views.id);
  });
  require(!ids.empty(), "{}: no orbit at {}", selection.dataset.string(), shard_elevation(selection.protocol));
  if (const std::string& split = selection.protocol.split; !split.empty()) {
    const std::map<std::string, std::string> splits = read_splits(selection.dataset);
    std::erase_if(ids, [&](const std::string& id) {
      const auto found = splits.find(id);
      return found == splits.end() || found->second != split;
    });
    require(!ids.empty(), "{}: no object of the split \"{}\" by the table objects.csv beside the shards",
            selection.dataset.string(), split);
  }
  return ids;
}

}  // namespace

std::string object_file_stem(size_t place, const std::string& id) {
  constexpr size_t longest = 100;
  std::string name = fmt::format("{:05}-{}", place, id).substr(0, longest);
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-') c = '_';
  return name;
}

std::vector<std::string> read_uids(const fs::path& path) {
  const std::string text = read_file(path);
  std::vector<std::string> uids;
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && text[first] == '[') {
    const Json list = parse_json(text, path.string());
    for (const Json& uid : list) {
      require(uid.is_string(), "{}: not a list of ids but of other things: {}", path.string(), json_text(uid));
      uids.push_back(uid.get<std::string>());
    }
  } else {
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view line = take_line(rest), uid = trimmed(line.substr(0, line.find('#')));
      if (!uid.empty()) uids.emplace_back(uid);
    }
  }
  require(!uids.empty(), "{}: names no objects", path.string());
  return uids;
}

CasePlan plan_cases(const CaseSelection& selection) {
  require(fs::exists(selection.dataset) || selection.dataset.string().starts_with("procedural:"), "{} does not exist",
          selection.dataset.string());
  CasePlan plan;
  plan.rendered = !holds_shards(selection.dataset);
  std::vector<std::string> ids;
  if (plan.rendered) {
    const EvaluationProtocol& protocol = selection.protocol;
    plan.view_size = selection.view_size;
    plan.orbit_views = protocol.orbit_views - (protocol.input_elevation_degrees ? 0 : 1);
    plan.random_views = protocol.random_views;
    for (const ObjectEntry& entry : listed_objects(selection)) ids.push_back(entry.id);
  } else {
    ids = stored_ids(selection, plan);
  }
  if (!selection.uids.empty()) ids = chosen_by_uid(ids, read_uids(selection.uids));
  plan.ids = spread(drawn(ids, selection.protocol.random_objects, selection.seed), selection.limit);
  const fs::path& table = plan.rendered && !selection.split_file.empty() ? selection.split_file : selection.dataset;
  plan.split = split_of(table, plan.ids);
  return plan;
}

LoadedCases load_planned(const CaseSelection& selection, const CasePlan& plan, const std::vector<size_t>& places,
                         const fs::path& cache) {
  std::map<size_t, Rendered> views =
      plan.rendered ? rendered_views(selection, plan, places, cache) : stored_views(selection, plan, places);
  LoadedCases loaded;
  for (const size_t place : places) {
    Rendered& object = views.at(place);
    if (!object.error.empty()) {
      spdlog::warn("{}: {}", plan.ids[place], object.error);
      loaded.failures.push_back({plan.ids[place], object.error});
      continue;
    }
    ObjectViews truth = selection.recolor ? recolored(std::move(object.views)) : std::move(object.views);
    loaded.cases.push_back(make_case(std::move(truth), selection.seed + place));
    loaded.cases.back().input_elevation_degrees = selection.protocol.input_elevation_degrees;
  }
  const fs::path& objects = selection.objects.empty() && plan.rendered ? selection.dataset : selection.objects;
  if (!objects.empty() && !loaded.cases.empty()) attach_surfaces(loaded.cases, plan.ids, objects, selection.split_file);
  return loaded;
}

std::vector<EvaluationCase> load_cases(const CaseSelection& selection) {
  const CasePlan plan = plan_cases(selection);
  std::vector<size_t> places(plan.ids.size());
  std::iota(places.begin(), places.end(), size_t{0});
  LoadedCases loaded = load_planned(selection, plan, places);
  require(!loaded.cases.empty(), "{}: none of its {} objects could be rendered; the first: {}", selection.dataset.string(),
          plan.ids.size(), loaded.failures.empty() ? "" : loaded.failures.front().reason);
  return std::move(loaded.cases);
}

}  // namespace gsv3d
