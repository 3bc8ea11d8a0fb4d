// Rendered views on disk: WebDataset tar shards. One sample per object orbit, three members next to each other:
//   KEY.json       id, group, orbit, sizes, depth range, cameras (world_to_camera and intrinsics, row-major)
//   KEY.rgba.bin   zstd: all views as uint8 [V, 4, S, S]
//   KEY.depth.bin  zstd: all depths as little-endian uint16 [V, S, S]; 0: nothing, else near + (value - 1) / 65534 · (far - near)
// KEY is a running number and the id; it has no dot, which WebDataset would take for the beginning of the member's kind.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataset/views.h"

namespace gsv3d {

/// A sample as its members' bytes: the work that many threads can share.
struct EncodedSample {
  std::string id, header, rgba, depth;
};
/// Throws Error when pictures, depths and cameras disagree.
EncodedSample encode_sample(const ObjectViews& views);

/// Writes NAME-000000.tar … in `folder`, a new shard every `samples_per_shard`. Shards appear whole (temporary name, then
/// rename), as soon as they are full, so that a reader can follow.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path folder, std::string name, int64_t samples_per_shard = 256);
  ~ShardWriter();
  void add(const EncodedSample& sample);
  void add(const ObjectViews& views) { add(encode_sample(views)); }
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

/// Where a sample lies: its members, one after the other, in a shard.
struct SamplePlace {
  std::filesystem::path shard;
  uint64_t offset = 0, bytes = 0;
  /// Of its header and its members' exact sizes, not of their content: samples that differ are told apart nearly always.
  uint64_t fingerprint = 0;
};

/// As read_shards(), but pictures and depth are passed over and stay undefined: headers alone are read.
void list_shards(const std::vector<std::filesystem::path>& shards,
                 const std::function<void(ObjectViews, const SamplePlace&)>& on_sample);
/// The whole sample, or all but its depth. Throws Error naming shard and sample when it is damaged.
ObjectViews read_sample(const SamplePlace& place, bool with_depth = true);

}  // namespace gsv3d
