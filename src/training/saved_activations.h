// What a forward pass leaves in memory for its backward pass, counted by the operators' own results: also on the meta device,
// where tensors have sizes and no memory, so that networks of any size can be counted on any machine.
#pragma once

#include <functional>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

/// Bytes of everything that operators made within `forward` on this thread and that is still alive behind it: what autograd
/// keeps, and the results that `forward` returns. Parameters and inputs do not count.
int64_t saved_bytes(const std::function<std::vector<Tensor>()>& forward);

}  // namespace gsv3d
