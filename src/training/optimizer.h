// AdamW (arXiv 1711.05101) on LibTorch's fused kernel, with clipping by the global gradient norm. Nothing here waits for the
// device: the norm, the decision to leave a step out and the count of updates stay there. Processes that train together may
// share the moments out: each keeps those of its part of the parameters, updates these, and gets the others from their owners
// (ZeRO's first stage, arXiv 1910.02054).
#pragma once

#include <memory>
#include <vector>

#include "core/safetensors.h"
#include "core/tensor.h"
#include "training/process_group.h"

namespace gsv3d {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double weight_decay = 0.01;  ///< on parameters of two or more axes
  double gradient_clip = 0;    ///< gradients count as if their joint L2 norm were at most this; 0: as they are
};

class AdamW {
 public:
  /// Parameters are float32 leaves; moments start at zero on the parameters' device. `sharing`: the processes among which moments
  /// are shared out; none: every process has all.
  AdamW(const NamedTensors& parameters, const AdamWOptions& options, std::shared_ptr<ProcessGroup> sharing = nullptr);

  /// What step() found, scalars on the parameters' device.
  struct Outcome {
    Tensor gradient_norm;  ///< before clipping, float32
    Tensor good;           ///< float32, 1: updated; 0: loss or norm was not finite, and everything stays as it was
  };
  /// One update from the gradients, which are the same in all processes; parameters without a gradient stay as they are.
  Outcome step(double learning_rate, const Tensor& loss);
  /// Forgets the gradients.
  void zero_gradients();

  /// State for checkpoints: moments by parameter name, of those that this process has, and the count of updates (for the bias
  /// corrections; waits for the device).
  NamedTensors& means() { return means_; }
  NamedTensors& squares() { return squares_; }
  bool is_shared() const { return sharing_ != nullptr; }
  /// Of all parameters, in the first process; the others get nothing. All processes call it.
  struct Moments {
    NamedTensors means, squares;
  };
  Moments gathered() const;
  /// The other way: the first process has all moments, `moments`, of a checkpoint that `where` names. All processes call it.
  void scatter(const Moments& moments, const std::string& where);
  int64_t updates() const;
  void set_updates(int64_t updates);

 private:
  struct Group {
    std::vector<Tensor> parameters, gradients, means, squares, steps;
    double weight_decay = 0;
  };
  std::vector<Group> groups() const;
  Tensor gradient_norm() const;
  bool owns(const std::string& name) const { return !sharing_ || owners_.at(name) == sharing_->rank(); }
  void exchange_parameters() const;

  NamedTensors parameters_, means_, squares_;
  AdamWOptions options_;
  std::shared_ptr<ProcessGroup> sharing_;
  std::map<std::string, int64_t> owners_;  // process by parameter, when shared
  Tensor updates_;                         // float32 scalar on the device: what the fused kernel takes
};

}  // namespace gsv3d
