// Objects in, shards of rendered views out.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/job_place.h"
#include "dataset/object_filter.h"
#include "dataset/object_source.h"
#include "dataset/renderer.h"

namespace gsv3d {

struct RenderJob {
  ViewPlan plan;
  RenderOptions options;
  /// One sample per object and entry; an empty entry is drawn per object, uniformly between the two limits (SV3D's range).
  std::vector<std::optional<double>> elevations_degrees = {10.0};
  double min_elevation_degrees = -5, max_elevation_degrees = 30;
  uint64_t seed = 1;        ///< with the object's id it decides every random number, so that neither order nor selection matters
  double light_jitter = 0;  ///< 0-1, how far the light of each sample is from the studio's (random_lighting)
  double smallest_scale = 1;  ///< objects are shrunk by a factor between this and 1, drawn per object
  bool shuffle = false;       ///< objects in an order drawn by the seed, so that the first shards are a fair sample of all
  ObjectLimits limits;        ///< objects that exceed them are left out
  std::string shard_name = "views";
  int64_t samples_per_shard = 256;
  /// Every count-th object, from the index-th on, of the order above: several processes fill one folder.
  Shard part;
};

/// The views of one object at job.elevations_degrees[index], which, with the seed and the object's id, decides every random
/// number.
ObjectViews render_sample(const ObjectRenderer& renderer, const ObjectEntry& entry, const RenderJob& job, size_t index);

struct RenderReport {
  int64_t objects = 0, samples = 0, views = 0;
  std::vector<std::string> failures;  ///< "id: reason", of the objects that are not in the shards
  std::vector<ObjectRecord> records;  ///< of every object, in order
  bool was_done = false;              ///< this part was rendered before: nothing was done
};

/// Renders every object into folder/NAME-000000.tar ... and, when all are done, writes folder/objects.csv (licences, authors): a
/// reader that follows sees whole shards only, and knows by that table that no more come. Objects are shared out to
/// at::get_num_threads() threads; the files are the same for any number of them. Objects that fail or exceed a limit are logged
/// and skipped; folder/report.csv (outcome_table) says what became of each. Checks for Ctrl-C between objects. Throws Error when
/// the folder holds shards already, or when no object was rendered. A part of several writes NAME-IofN-000000.tar …,
/// report-NAME-IofN.csv and then objects-NAME-IofN.csv, by which it knows later that it is done; what an interrupted one left
/// goes. The part that finds all N lists there joins them to objects.csv and report.csv.
RenderReport render_dataset(const std::vector<ObjectEntry>& entries, const RenderJob& job, const std::filesystem::path& folder);

}  // namespace gsv3d
