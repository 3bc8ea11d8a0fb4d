// The rendered orbits that training draws from, and how it draws: a group of near-duplicates uniformly, then an object of it,
// then one of that object's orbits, so that fifty variants of one chair count as one chair.
#pragma once

#include <filesystem>
#include <vector>

#include "core/tensor.h"
#include "dataset/views.h"
#include "image/picture.h"

namespace gsv3d {

struct TrainingSet {
  std::vector<ObjectViews> orbits;                        ///< depth is float16, or undefined when not asked for
  std::vector<std::vector<std::vector<int64_t>>> groups;  ///< group → object → indices into orbits
  uint64_t fingerprint = 0;                               ///< of ids, elevations and pictures

  int64_t image_size() const { return orbits.at(0).rgba.size(-1); }
  int64_t orbit_views() const { return orbits.at(0).orbit_views; }
  /// The orbit for three numbers in [0, 1).
  int64_t draw(double group, double object, double orbit) const;
};

/// Reads all shards of a path into memory. Throws Error when there is none, or when orbits differ in size or in number of views.
TrainingSet load_training_set(const std::filesystem::path& path, bool with_depth);

/// The same from views in memory.
TrainingSet make_training_set(std::vector<ObjectViews> orbits, bool with_depth);

/// Numbers in [0, 1), double, from the generator.
std::vector<double> uniform_numbers(int64_t count, const at::Generator& generator);

/// floor(number · count): one of `count` things for a number in [0, 1).
int64_t pick(double number, int64_t count);

/// Views [K] of an orbit as [K, 4, S, S] float32 RGBA in 0-1, flipped left to right when mirrored.
Tensor view_images(const ObjectViews& views, const std::vector<int64_t>& indices, bool mirrored);

}  // namespace gsv3d
