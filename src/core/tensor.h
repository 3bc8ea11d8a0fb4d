// The tensor type that every room shares. LibTorch's ATen only: torch/torch.h would triple compile times (docs/dependencies.md).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace gsv3d {

using at::Tensor;

/// A generator of random numbers on the CPU. All noise is drawn on the CPU so that CPU and GPU runs start equal.
at::Generator make_generator(uint64_t seed);

/// Standard normal noise, float32 on the CPU, of the given shape.
Tensor randn(at::IntArrayRef shape, const at::Generator& generator);

}  // namespace gsv3d
