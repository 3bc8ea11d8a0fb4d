#include "image/recoloring.h"

#include <gtest/gtest.h>

namespace gsv3d {
namespace {

TEST(Recoloring, PermutesChannelsAndLeavesAlphaAlone) {
  constexpr int64_t count = 2000;
  const Recoloring drawn = draw_recoloring(count, 0.6, 0.25, make_generator(5), at::kCPU);
  EXPECT_TRUE(at::equal(std::get<0>(drawn.source.sort(1)), at::arange(3).expand({count, 3}))) << "permutations";
  EXPECT_GE(drawn.gain.min().item<double>(), 0.25);
  EXPECT_LE(drawn.gain.max().item<double>(), 1);
  EXPECT_NEAR(drawn.gain.lt(1).any(1).to(at::kFloat).mean().item<double>(), 0.6, 0.03);
  const double in_order = drawn.source.eq(at::arange(3)).all(1).to(at::kFloat).mean().item<double>();
  EXPECT_NEAR(in_order, 0.4 + 0.6 / 6, 0.03);

  const Tensor rgba = at::rand({count, 2, 4, 1, 3}, make_generator(6));
  const Tensor changed = recolored(rgba, drawn);
  EXPECT_TRUE(at::equal(changed.narrow(2, 3, 1), rgba.narrow(2, 3, 1)));
  for (const int64_t b : {0, 1, 2, 3}) {
    for (int64_t c = 0; c < 3; ++c) {
      const auto source = drawn.source[b][c].item<int64_t>();
      EXPECT_TRUE(at::equal(changed[b].select(1, c), rgba[b].select(1, source) * drawn.gain[b][c])) << b << " " << c;
    }
  }
  EXPECT_EQ(recolored(rgba.narrow(2, 0, 3), drawn).size(2), 3);
}

}  // namespace
}  // namespace gsv3d
