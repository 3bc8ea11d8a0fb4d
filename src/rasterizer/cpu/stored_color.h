// Colours of one Gaussian as numbers, whatever they are stored as.
#pragma once

#include <bit>
#include <cstring>

#include "gaussians/spherical_harmonics.h"
#include "rasterizer/cpu/projection.h"

namespace gsv3d::splat_cpu {

inline float from_bfloat16(uint16_t stored) {
  return std::bit_cast<float>(static_cast<uint32_t>(stored) << 16);
}

/// IEEE half precision, subnormal numbers, infinities and NaN included.
inline float from_float16(uint16_t stored) {
  const uint32_t sign = static_cast<uint32_t>(stored & 0x8000) << 16, rest = stored & 0x7fff;
  if (rest >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | (rest & 0x3ff) << 13);
  // The exponents differ by 112, which a product also gets right for subnormal numbers.
  const float magnitude = std::bit_cast<float>(rest << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

/// The max(sh_count, 1) · 3 numbers of a Gaussian; valid as long as this is.
class StoredColor {
 public:
  StoredColor(const GaussianArrays& gaussians, int64_t g) {
    const int count = 3 * (gaussians.sh_count > 0 ? gaussians.sh_count : 1);
    if (gaussians.color_type == ColorType::kFloat32) {
      values_ = static_cast<const float*>(gaussians.colors) + g * count;
      return;
    }
    const auto* stored = static_cast<const uint16_t*>(gaussians.colors) + g * count;
    const bool half = gaussians.color_type == ColorType::kFloat16;
    for (int i = 0; i < count; ++i) converted_[i] = half ? from_float16(stored[i]) : from_bfloat16(stored[i]);
    values_ = converted_;
  }
  StoredColor(const StoredColor&) = delete;
  const float* values() const { return values_; }

 private:
  float converted_[3 * splat_math::kMaxShCount];
  const float* values_;
};

}  // namespace gsv3d::splat_cpu
