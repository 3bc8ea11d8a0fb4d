// Outlines of cut-outs take their colours from inside.
#include "image/edge_colors.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace gsv3d {
namespace {

/// A red square whose outermost pixels are half green, as a matte leaves them; a line one pixel wide beside it.
Tensor stained_square() {
  Tensor cutout = at::zeros({4, 64, 64});
  const auto fill = [&](int64_t low, int64_t high, std::array<float, 4> color) {
    for (int64_t i = 0; i < 4; ++i) cutout[i].slice(0, low, high).slice(1, low, high).fill_(color[static_cast<size_t>(i)]);
  };
  fill(10, 40, {0.5F, 0.5F, 0, 0.6F});
  fill(11, 39, {1, 0, 0, 1});
  cutout[2].slice(0, 10, 40).select(1, 50).fill_(1);
  cutout[3].slice(0, 10, 40).select(1, 50).fill_(1);
  return cutout;
}

TEST(EdgeColors, ComeFromInside) {
  const Tensor found = with_edge_colors_from_inside(stained_square());
  for (const int64_t at : {10, 11, 12, 25}) {
    EXPECT_FLOAT_EQ(found[0][at][25].item<float>(), 1) << at;
    EXPECT_FLOAT_EQ(found[1][at][25].item<float>(), 0) << at;
  }
  EXPECT_TRUE(at::equal(found[3], stained_square()[3]));
}

TEST(EdgeColors, OfThinPartsStay) {
  const Tensor found = with_edge_colors_from_inside(stained_square());
  EXPECT_TRUE(at::equal(found.select(2, 50), stained_square().select(2, 50)));
  EXPECT_THROW(with_edge_colors_from_inside(at::zeros({3, 8, 8})), Error);
}

}  // namespace
}  // namespace gsv3d
