// AdamW (arXiv 1711.05101) on LibTorch's fused kernel, and clipping by the global gradient norm.
#pragma once

#include <vector>

#include "core/safetensors.h"
#include "core/tensor.h"

namespace gsv3d {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double weight_decay = 0.01;  ///< on parameters of two or more axes
};

class AdamW {
 public:
  /// Parameters are float32 leaves; moments start at zero on the parameters' device.
  AdamW(const NamedTensors& parameters, const AdamWOptions& options);

  /// Scales the gradients so that their joint L2 norm is at most max_norm (0: leaves them). → the norm before, which is not
  /// finite when any gradient is not.
  double clip_gradients(double max_norm);
  /// One update from the gradients; parameters without a gradient stay as they are.
  void step(double learning_rate);
  /// Forgets the gradients.
  void zero_gradients();

  /// State for checkpoints: moments by parameter name, and the count of updates (for the bias corrections).
  NamedTensors& means() { return means_; }
  NamedTensors& squares() { return squares_; }
  int64_t updates() const { return updates_; }
  void set_updates(int64_t updates) { updates_ = updates; }

 private:
  std::vector<Tensor> gradients() const;

  NamedTensors parameters_, means_, squares_;
  AdamWOptions options_;
  int64_t updates_ = 0;
};

}  // namespace gsv3d
