// Where an interrupted sampling run stands, in one small file that is replaced after every step.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "models/model_folder.h"

namespace gsv3d {

/// A text that differs when anything differs that the next step depends on: model, precision, size, sampler, seed, photo [1, 3,
/// S, S], camera vector.
std::string sampling_fingerprint(const Model& model, const SamplerConfig& sampler, uint64_t seed, const Tensor& photo,
                                 const Tensor& camera_vector);

class SamplingState {
 public:
  struct Point {
    int64_t step;     ///< steps done
    Tensor latents;   ///< x after them [F, z, h, w] float32
    Tensor previous;  ///< the last step's estimate, where the sampler goes on from it; otherwise undefined
  };
  SamplingState(std::filesystem::path path, std::string fingerprint);
  /// Nothing when there is no file, or it belongs to other settings (it is then left until the first write, with a warning).
  /// Throws Error when the file is damaged.
  std::optional<Point> read() const;
  /// Replaces the file at once.
  void write(const Point& point) const;

 private:
  std::filesystem::path path_;
  std::string fingerprint_;
};

}  // namespace gsv3d
