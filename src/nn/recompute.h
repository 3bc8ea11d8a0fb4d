// Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): a block of a network keeps only what went into it, and runs once
// more when its gradients are wanted. A training step then takes the memory of the blocks' inputs and of one block, and the time
// of another forward pass.
#pragma once

#include <functional>
#include <vector>

#include "core/tensor.h"

namespace gsv3d::nn {

/// While one lives, blocks that this thread runs with gradients are recomputed, or, with `on` false, are not.
class Recomputation {
 public:
  explicit Recomputation(bool on);
  ~Recomputation();
  Recomputation(const Recomputation&) = delete;
  Recomputation& operator=(const Recomputation&) = delete;

  /// Whether one is on and gradients are recorded.
  static bool is_on();

 private:
  bool was_on_;
};

/// A block as a function of every tensor that it depends on and that may need a gradient, but for its parameters, which must be
/// leaves. It is called again later, so it must not refer to what is gone by then, and must do the same again.
using Block = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// block(inputs), with the same value and gradients, to rounding: sums over uses of one tensor may be added in another order.
/// Precision (autocast) is that of the first time. All inputs are defined.
Tensor recomputed(const std::vector<Tensor>& inputs, Block block);

/// layers(first), or layers(first, second) with a second that may be undefined; recomputed where that is on. The layers live as
/// long as the graph.
template <class Layers>
Tensor maybe_recomputed(const Layers& layers, const Tensor& first) {
  if (!Recomputation::is_on()) return layers(first);
  return recomputed({first}, [&layers](const std::vector<Tensor>& own) { return layers(own[0]); });
}
template <class Layers>
Tensor maybe_recomputed(const Layers& layers, const Tensor& first, const Tensor& second) {
  if (!Recomputation::is_on()) return layers(first, second);
  std::vector<Tensor> inputs = {first};
  if (second.defined()) inputs.push_back(second);
  return recomputed(inputs,
                    [&layers](const std::vector<Tensor>& own) { return layers(own[0], own.size() > 1 ? own[1] : Tensor()); });
}

}  // namespace gsv3d::nn
