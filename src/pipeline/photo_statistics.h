// How much a photo is like those that a model was trained on: the distance of its embedding from the mean of the training
// split's, against how far the training split's own lie. The statistics are a small file of the model folder, made by "gsv3d
// model statistics"; a model without them has no such number.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "models/model_folder.h"

namespace gsv3d {

/// MODEL/photo_statistics.json.
struct PhotoStatistics {
  int64_t photos = 0;             ///< framed views of training objects
  std::string source;             ///< how they were made
  std::string embedder;           ///< sum of image_embedder.safetensors: statistics of other weights say nothing
  std::vector<double> mean;       ///< of the embeddings, [D]
  double deviation = 1;           ///< root mean square distance of the embeddings from it
  std::vector<double> distances;  ///< of the training photos, in deviations: quantiles 0, 1/K, … 1
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("photos", photos), visit("source", source), visit("embedder", embedder), visit("mean", mean);
    visit("deviation", deviation), visit("distances", distances);
  }
};

inline constexpr const char* photo_statistics_name = "photo_statistics.json";

/// A photo's place among the training split's.
struct Familiarity {
  double distance = 0;       ///< from the mean, in deviations
  double farther_share = 0;  ///< of the training photos that lie farther from it, 0-1
  bool is_unusual() const;   ///< fewer than one in twenty training photos lies that far off
};

/// Framed photos [B, 3 or 4, S, S] in 0-1 over white → [B, D] float32 on the CPU: the mean of the image embedder's tokens,
/// without the class token where there are others.
Tensor photo_embedding(const Model& model, const Tensor& photos);

/// Statistics of embeddings [P, D], P at least 20. Throws Error for fewer.
PhotoStatistics photo_statistics(const Tensor& embeddings);

/// The model folder's file, or nothing without one; with a warning where it belongs to another embedder's weights. Throws Error
/// when it is damaged.
std::optional<PhotoStatistics> read_photo_statistics(const std::filesystem::path& folder);

/// Writes the folder's file atomically, with its embedder's sum.
void write_photo_statistics(const std::filesystem::path& folder, PhotoStatistics statistics);

/// embedding: [D].
Familiarity familiarity(const PhotoStatistics& statistics, const Tensor& embedding);

}  // namespace gsv3d
