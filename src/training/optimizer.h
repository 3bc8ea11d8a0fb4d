// AdamW (arXiv 1711.05101) on LibTorch's fused kernel, with clipping by the global gradient norm. Nothing here waits for the
// device: the norm, the decision to leave a step out and the count of updates stay there.
#pragma once

#include <vector>

#include "core/safetensors.h"
#include "core/tensor.h"

namespace gsv3d {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double weight_decay = 0.01;  ///< on parameters of two or more axes
  double gradient_clip = 0;    ///< gradients count as if their joint L2 norm were at most this; 0: as they are
};

class AdamW {
 public:
  /// Parameters are float32 leaves; moments start at zero on the parameters' device.
  AdamW(const NamedTensors& parameters, const AdamWOptions& options);

  /// What step() found, scalars on the parameters' device.
  struct Outcome {
    Tensor gradient_norm;  ///< before clipping, float32
    Tensor good;           ///< float32, 1: updated; 0: loss or norm was not finite, and everything stays as it was
  };
  /// One update from the gradients; parameters without a gradient stay as they are.
  Outcome step(double learning_rate, const Tensor& loss);
  /// Forgets the gradients.
  void zero_gradients();

  /// State for checkpoints: moments by parameter name, and the count of updates (for the bias corrections; waits for the device).
  NamedTensors& means() { return means_; }
  NamedTensors& squares() { return squares_; }
  int64_t updates() const;
  void set_updates(int64_t updates);

 private:
  struct Group {
    std::vector<Tensor> parameters, gradients, means, squares, steps;
    double weight_decay = 0;
  };
  std::vector<Group> groups() const;

  NamedTensors parameters_, means_, squares_;
  AdamWOptions options_;
  Tensor updates_;  // float32 scalar on the device: what the fused kernel takes
};

}  // namespace gsv3d
