// The blending kernels in every instruction set of this processor.
#include "rasterizer/cpu/tile_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "rasterizer/math/projection.h"

namespace gsv3d::splat_cpu {
namespace {

TEST(ProjectionMath, LogarithmIsAccurate) {
  for (float v = 1e-6f; v < 1e6f; v *= 1.0007f)
    EXPECT_NEAR(splat_math::natural_log(v), std::log(v), 2e-7 * std::max(1.0, std::abs(std::log(double{v})))) << v;
  for (const float v : {1.0f, 255.0f, 255 * kMinAlpha}) EXPECT_NEAR(splat_math::natural_log(v), std::log(v), 1e-6) << v;
}

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

/// A tile of overlapping splats in every instruction set: images and moments.
TEST(TileKernels, InstructionSetsAgree) {
  std::mt19937 random(3);
  const auto draw = [&](float low, float high) { return std::uniform_real_distribution<float>(low, high)(random); };
  constexpr int kCount = 150;  // more than two batches, the last one ragged
  std::vector<Splat> splats(kCount);
  std::vector<TileEntry> entries;
  for (int i = 0; i < kCount; ++i) {
    auto& s = splats[i];
    const float sx = draw(0.7f, 5), sy = draw(0.7f, 5), correlation = draw(-0.8f, 0.8f), xy = correlation * sx * sy;
    const float determinant = sx * sx * sy * sy - xy * xy;
    s = {draw(-3, 19),
         draw(-3, 19),
         sy * sy / determinant,
         -xy / determinant,
         sx * sx / determinant,
         draw(0.05f, 0.99f),
         draw(0, 1),
         draw(0, 1),
         draw(0, 1),
         draw(1, 3),
         3.33f * sx,
         3.33f * sy,
         xy / (sy * sy),
         xy / (sx * sx),
         0,
         8.0f};
    entries.push_back({i, i});
  }
  const int32_t offsets[] = {0, kCount};
  const ViewRange view = {0, kCount};
  const float background[] = {0.1f, 0.2f, 0.3f};
  constexpr int kPixels = kTile * kTile;
  std::vector<float> v_rgb(3 * kPixels), ones(kPixels, 1);
  for (auto& v : v_rgb) v = draw(-1, 1);
  std::vector<float> first_images, first_moments;
  for (const auto target : {VectorTarget::kPortable, VectorTarget::kAvx2, VectorTarget::kAvx512}) {
    const BlendInputs in = {splats.data(), &view, 1, entries.data(), offsets, background, Grid(kTile, kTile), 1, target};
    std::vector<float> images(7 * kPixels), moments(kCount * kMomentFloats);
    std::vector<int32_t> last(kPixels);
    float* plane = images.data();
    blend_forward(in, {plane, plane + 3 * kPixels, plane + 4 * kPixels, plane + 5 * kPixels, plane + 6 * kPixels, last.data()});
    blend_backward(in, {plane + 6 * kPixels, last.data(), v_rgb.data(), ones.data(), ones.data()},
                   reinterpret_cast<SplatMoments*>(moments.data()));
    if (first_images.empty()) first_images = images, first_moments = moments;
    EXPECT_GT(images[5 * kPixels + 100], 0) << "no median depth";
    for (size_t i = 0; i < images.size(); ++i) EXPECT_NEAR(images[i], first_images[i], 1e-5) << i;
    for (size_t i = 0; i < moments.size(); ++i)
      EXPECT_NEAR(moments[i], first_moments[i], 1e-4f * std::max(1.0f, std::abs(first_moments[i]))) << i;
  }
}

}  // namespace
}  // namespace gsv3d::splat_cpu
