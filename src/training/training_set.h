// The rendered orbits that training draws from, all views in one tensor so that a batch is a handful of operations on the device
// that trains; and how it draws: a folder by its weight, a group of near-duplicates uniformly, then an object of it, then one of
// that object's orbits, so that fifty variants of one chair count as one chair. A set that is larger than memory stays in its
// shards (OrbitStore): what is drawn, and every number of the training, is the same.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "dataset/views.h"
#include "image/picture.h"
#include "training/orbit_store.h"

namespace gsv3d {

/// One place that shards come from. Orbits are drawn from it with probability weight / sum of weights, however many it holds.
struct DataFolder {
  std::filesystem::path path;  ///< a .tar file or a folder of them
  double weight = 1;
};

/// "PATH" or "PATH:WEIGHT". Throws UsageError for a weight that is not positive.
DataFolder parse_data_folder(const std::string& text);

class TrainingSet {
 public:
  struct Orbit {
    std::string id, group;
    int64_t first = 0, count = 0;  ///< its views: [first, first + count) of rgba, depth and cameras
    double elevation_degrees = 0;
  };

  /// An empty set that grows by append(); `weights` has one entry per folder.
  explicit TrainingSet(std::vector<double> weights = {1}, bool with_depth = true);

  /// Adds orbits of one folder; not while a batch is being drawn. Throws Error when orbits differ in size or in number of views.
  void append(std::vector<ObjectViews> orbits, size_t folder = 0);

  /// Before anything else: pictures stay in the shards, about `bytes` of them are kept in memory.
  void stay_in_shards(int64_t bytes);
  /// Adds an orbit that stays in its shard; `views` without pictures and depth.
  void append_place(const ObjectViews& views, const SamplePlace& place, size_t folder = 0);
  /// After the last append_place().
  void finish_places();
  bool in_shards() const { return store_ != nullptr; }
  /// Orbits that will be needed next; does nothing for a set in memory.
  void prefetch(const std::vector<int64_t>& orbits) const {
    if (store_) store_->prefetch(orbits);
  }

  /// What of the pictures and depths is in memory now.
  int64_t kept_bytes() const { return store_ ? store_->bytes() : decoded_bytes(); }

  /// Moves pictures and depth to this device, where they then grow; they stay in pinned memory of the host when they would take
  /// more than half of the device's memory.
  void to(at::Device device);

  const std::vector<Orbit>& orbits() const { return orbits_; }
  const Orbit& orbit(int64_t index) const { return orbits_.at(static_cast<size_t>(index)); }
  int64_t size() const { return static_cast<int64_t>(orbits_.size()); }
  bool empty() const { return orbits_.empty(); }
  int64_t group_count() const;
  int64_t image_size() const { return image_size_; }
  int64_t orbit_views() const { return orbit_views_; }
  int64_t least_views() const { return least_views_; }  ///< of any orbit, random views included
  bool has_depth() const { return with_depth_; }
  /// What all pictures and depths take in memory.
  int64_t decoded_bytes() const { return views_ * bytes_per_view(); }

  /// Of sets in memory: [T, 4, S, S] uint8, colour not premultiplied, and [T, S, S] float16 camera z.
  Tensor rgba() const { return rgba_.narrow(0, 0, views_); }
  Tensor depth() const { return depth_.narrow(0, 0, views_); }
  const Cameras& cameras() const { return cameras_; }  ///< T, on the CPU

  /// [K, S, S] uint8 on the device: plane p is channel p mod 4 of view p / 4.
  Tensor planes(const std::vector<int64_t>& planes, at::Device device) const;
  /// [K, S, S] float16 on the device.
  Tensor depths(const std::vector<int64_t>& views, at::Device device) const;

  /// The orbit for three numbers in [0, 1). The first one decides folder and group.
  int64_t draw(double group, double object, double orbit) const;

  /// Says, before the first append(), that more will come while training goes on.
  void set_grows();
  bool grows() const { return grows_; }

  uint64_t fingerprint;  ///< of ids, elevations and pictures (in_shards(): of SamplePlaces); the same for all sets that grow

 private:
  struct Folder {
    double weight = 1;
    std::map<std::string, std::map<std::string, std::vector<int64_t>>> members;  // group → object → orbits
    std::vector<std::vector<std::vector<int64_t>>> groups;                       // the same, for drawing
  };
  int64_t bytes_per_view() const { return image_size_ * image_size_ * (with_depth_ ? 4 + 2 : 4); }
  void check_alike(const ObjectViews& views) const;
  void enter(const ObjectViews& views, size_t folder);
  void gather_groups(size_t folder);
  Tensor from_shards(const std::vector<int64_t>& planes, int64_t per_view, Tensor OrbitStore::Pictures::*which) const;
  void reserve(int64_t views);

  std::vector<Folder> folders_;
  std::vector<Orbit> orbits_;
  bool with_depth_, grows_ = false;
  Tensor rgba_, depth_;  // with room for more than views_
  int64_t views_ = 0, orbit_views_ = 0, least_views_ = 0, image_size_ = 0;
  Cameras cameras_;
  std::shared_ptr<OrbitStore> store_;  // of a set that stays in its shards
  std::vector<Cameras> more_cameras_;  // until finish_places()
  at::Device device_ = at::kCPU;
};

/// Reads all shards into memory. Throws Error when there is none, or when orbits differ in size or in number of views.
TrainingSet load_training_set(const std::vector<DataFolder>& folders, bool with_depth);

/// The same without reading more than headers: pictures and depth stay in the shards, about `most_bytes` of them are kept.
TrainingSet list_training_set(const std::vector<DataFolder>& folders, bool with_depth, int64_t most_bytes);

/// The same from views in memory.
TrainingSet make_training_set(std::vector<ObjectViews> orbits, bool with_depth);

/// Numbers in [0, 1), double, from the generator.
std::vector<double> uniform_numbers(int64_t count, const at::Generator& generator);

/// floor(number · count): one of `count` things for a number in [0, 1).
int64_t pick(double number, int64_t count);

/// [K] int64 on the device.
Tensor index_tensor(const std::vector<int64_t>& indices, at::Device device);

/// Views of the set as [K, 4, S, S] float32 RGBA in 0-1 on the device; those with mirrored[k] are flipped left to right.
Tensor straight_views(const TrainingSet& set, const std::vector<int64_t>& views, const std::vector<bool>& mirrored,
                      at::Device device);

}  // namespace gsv3d
