// The attention product of the decoder's blocks, with the formulation that trains fastest on a CPU.
#pragma once

#include "core/tensor.h"

namespace gsv3d {

/// softmax(q kᵀ / sqrt(d)) v for q [A, H, Tq, d], k and v [A, H, Tk, d] → [A, H, Tq, d]. mask: bool, true where a key may be
/// seen, broadcastable to [A, H, Tq, Tk], at least one key per query; undefined: all.
///
/// LibTorch's fused kernel, except for bfloat16 training on a CPU: its backward pass there takes 3 to 10 times as long as plain
/// matrix products at this decoder's sizes (docs/decoder.md has the measurements).
Tensor attention_product(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask = {});

}  // namespace gsv3d
