// exp(-x) in arithmetic that compilers vectorise; the library's expf is a call per pixel.
#pragma once

#include <bit>
#include <cstdint>

#include "splat/cpu/vector_targets.h"

namespace gsv3d::splat_cpu {

/// exp(-x) for x ≥ 0, relative error below 2e-7 (measured in tests/splat/exponential_test.cpp); flat beyond x = 80, where it is
/// 2e-35.
GSV3D_INLINE float exp_negative(float x) {
  const float limited = x < 80.0f ? x : 80.0f;
  const float scaled = limited * -1.44269504088896341f;
  // Adding and subtracting 1.5 · 2²³ rounds to the nearest whole number, which then also stands in the low bits.
  const float shifted = scaled + 12582912.0f;
  const float whole = shifted - 12582912.0f;
  // ln 2 in two parts, so that the remainder is exact.
  const float r = (-limited - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float p = 1.9875691500e-4f;  // Cephes' expf polynomial
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t exponent = std::bit_cast<int32_t>(shifted) << 23;
  return std::bit_cast<float>(std::bit_cast<int32_t>(p) + exponent);
}

}  // namespace gsv3d::splat_cpu
