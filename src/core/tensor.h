// The tensor type that every room shares. LibTorch's ATen only: torch/torch.h would triple compile times (docs/dependencies.md).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace gsv3d {

using at::Tensor;

/// A generator of random numbers on the CPU. Noise of generation is drawn on the CPU so that CPU and GPU runs start
/// equal.
at::Generator make_generator(uint64_t seed);

/// Standard normal noise, float32 on the CPU, of the given shape.
Tensor randn(at::IntArrayRef shape, const at::Generator& generator);

/// Standard normal noise, float32, drawn where it is used: on the CPU that of make_generator(seed), on a GPU that of the GPU's
/// own generator at this seed (other numbers, but the same at every run), which spares a training step the transfer.
Tensor seeded_randn(at::IntArrayRef shape, uint64_t seed, at::Device device);

}  // namespace gsv3d
