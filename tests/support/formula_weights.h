// Weights that reference programs and tests make alike from a formula, so that goldens need not hold them
// (tests/goldens/metrics/README.md, tests/goldens/perception/README.md).
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace gsv3d::testing {

/// Numbers in [-1, 1), float64: a hash of the flat index plus 0x9E3779B9 times the seed, in 32 bits.
inline Tensor formula_numbers(at::IntArrayRef shape, uint32_t seed) {
  Tensor numbers = at::empty(shape, at::kDouble);
  double* values = numbers.data_ptr<double>();
  for (int64_t i = 0; i < numbers.numel(); ++i) {
    uint32_t x = static_cast<uint32_t>(i) + seed * 0x9E3779B9U;
    x ^= x >> 16, x *= 0x7feb352dU, x ^= x >> 15, x *= 0x846ca68bU, x ^= x >> 16;
    values[i] = static_cast<double>(x) / 2147483648.0 - 1;
  }
  return numbers;
}

}  // namespace gsv3d::testing
