// Rendered views on disk: WebDataset tar shards. One sample per object orbit: KEY.json (id, group, cameras, sizes), KEY.rgba.png (all views
// in one tall RGBA picture) and KEY.depth.bin (float16, zstd); all files of a sample stand next to each other.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataset/views.h"

namespace gsv3d {

/// Writes NAME-000000.tar … in `folder`, a new shard every `samples_per_shard`. Shards appear whole (temporary name, then rename).
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path folder, std::string name, int64_t samples_per_shard = 256);
  ~ShardWriter();
  void add(const ObjectViews& views);
  /// Finishes the last shard; without it that shard is thrown away.
  void finish();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// The shards behind a path: one .tar file, or all of a folder in the order of their names. Throws Error when there are none.
std::vector<std::filesystem::path> find_shards(const std::filesystem::path& path);

/// Reads every sample in order. Throws Error naming shard and sample when something is damaged or absurdly large.
void read_shards(const std::vector<std::filesystem::path>& shards, const std::function<void(ObjectViews)>& on_sample);
std::vector<ObjectViews> read_all_views(const std::filesystem::path& path);

}  // namespace gsv3d
