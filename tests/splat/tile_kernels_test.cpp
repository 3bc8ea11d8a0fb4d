// The kernels' exponential function, in every instruction set of this processor.
#include <gtest/gtest.h>

#include <cmath>

#include "splat/cpu/tile_kernels.h"

namespace gsv3d::splat_cpu {
namespace {

TEST(TileKernels, PowersOfTwoAreAccurate) {
  for (const auto target : {VectorTarget::kPortable, VectorTarget::kAvx2, VectorTarget::kAvx512}) {
    const auto& kernels = tile_kernels(target);
    double worst = 0;
    float x[16], result[16];
    for (int i = 0; i <= 200000; i += 16) {
      for (int k = 0; k < 16; ++k) x[k] = static_cast<float>(i + k) * 1.2e-4f;
      kernels.exp2_negative(x, result);
      for (int k = 0; k < 16; ++k) {
        const double expected = std::exp2(-static_cast<double>(x[k]));
        worst = std::max(worst, std::abs(result[k] - expected) / expected);
      }
    }
    EXPECT_LE(worst, 3e-7);
    x[0] = 0, x[15] = 1e30f;
    kernels.exp2_negative(x, result);
    EXPECT_EQ(result[0], 1.0f);
    EXPECT_LE(result[15], 1e-30f);
  }
}

}  // namespace
}  // namespace gsv3d::splat_cpu
