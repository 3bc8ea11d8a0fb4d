// What a forward pass takes in memory, counted by the operators' own results, on any device.
#pragma once

#include <functional>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

struct ActivationBytes {
  int64_t kept = 0;     ///< alive when the pass is over: what autograd keeps for the way back, and the results
  int64_t passing = 0;  ///< the most that was alive at once of everything else

  ActivationBytes operator+(const ActivationBytes& other) const {
    return {kept + other.kept, std::max(passing, other.passing)};  // one network after the other
  }
  int64_t peak() const { return kept + passing; }
};

/// Of all that operators made within `forward` on this thread; parameters and inputs do not count, nor what an operator takes
/// for itself alone. `forward` returns the results.
ActivationBytes activation_bytes(const std::function<std::vector<Tensor>()>& forward);

}  // namespace gsv3d
