// Window attention: who sees whom, at borders too.
#include "decoder/upsampler.h"

#include <gtest/gtest.h>

#include "goldens.h"

namespace gsv3d {
namespace {

using testing::expect_near;

/// Which pixels [H, W] of view 0 change when pixel (y, x) of view 0 does.
Tensor influence(const WindowBlock& block, const Tensor& x, int64_t row, int64_t column) {
  Tensor changed = x.clone();
  changed[0][row][column].mul_(-1);
  return (block(changed) - block(x)).abs().amax(-1)[0].gt(1e-6);
}

TEST(Upsampler, PlainWindowsAreSeparate) {
  const WindowBlock block(nn::Scope(nn::ParameterStore::random(2)), 8, 2, 4, /*shifted=*/false, 2);
  const Tensor x = at::randn({2, 8, 8, 8}), seen = influence(block, x, 5, 2);
  Tensor expected = at::zeros({8, 8}, at::kBool);
  expected.slice(0, 4, 8).slice(1, 0, 4).fill_(true);
  EXPECT_TRUE(at::equal(seen, expected)) << seen;
}

TEST(Upsampler, ShiftedWindowsDoNotWrapAround) {
  const WindowBlock block(nn::Scope(nn::ParameterStore::random(2)), 8, 2, 4, /*shifted=*/true, 2);
  const Tensor x = at::randn({2, 8, 8, 8});
  Tensor middle = at::zeros({8, 8}, at::kBool), corner = at::zeros({8, 8}, at::kBool);
  middle.slice(0, 2, 6).slice(1, 2, 6).fill_(true);
  corner.slice(0, 0, 2).slice(1, 6, 8).fill_(true);
  EXPECT_TRUE(at::equal(influence(block, x, 3, 4), middle));
  EXPECT_TRUE(at::equal(influence(block, x, 0, 7), corner));
}

TEST(Upsampler, GridsThatWindowsDoNotDivideArePaddedWithoutEffect) {
  const WindowBlock block(nn::Scope(nn::ParameterStore::random(2)), 8, 2, 4, /*shifted=*/false, 2);
  const Tensor x = at::randn({2, 4, 6, 8});
  const Tensor whole = block(x);
  expect_near(whole.slice(2, 0, 4), block(x.slice(2, 0, 4)), 1e-5, "full window");
  expect_near(whole.slice(2, 4, 6), block(x.slice(2, 4, 6)), 1e-5, "window cut by the border");
}

TEST(Upsampler, ShiftedAndPaddedWindowsStayInPlace) {
  const WindowBlock block(nn::Scope(nn::ParameterStore::random(2)), 8, 2, 4, /*shifted=*/true, 2);
  const Tensor x = at::randn({1, 6, 6, 8});
  // Shifted by 2 on a grid padded to 8: rows 2-5 are one window, rows 0-1 the wrapped rest.
  Tensor middle = at::zeros({6, 6}, at::kBool), corner = at::zeros({6, 6}, at::kBool);
  middle.slice(0, 2, 6).slice(1, 2, 6).fill_(true);
  corner.slice(0, 0, 2).slice(1, 0, 2).fill_(true);
  EXPECT_TRUE(at::equal(influence(block, x, 5, 5), middle)) << influence(block, x, 5, 5);
  EXPECT_TRUE(at::equal(influence(block, x, 1, 0), corner));
}

TEST(Upsampler, StageDoublesAndKeepsPixelsWithTheirToken) {
  const UpsamplerStage stage(nn::Scope(nn::ParameterStore::random(4)), 6, 8, 2, 2, 2);
  const Tensor x = at::randn({2, 4, 4, 6});
  Tensor changed = x.clone();
  changed[0][1][2].mul_(-1);
  const Tensor difference = (stage(changed) - stage(x)).abs().amax(-1);
  ASSERT_EQ(difference.sizes(), at::IntArrayRef({2, 8, 8}));
  EXPECT_EQ(difference[1].max().item<float>(), 0) << "views mix";
  // Token (1, 2) becomes pixels 2-3 × 4-5: one window of side 2; the shifted block carries them one pixel further.
  const Tensor touched = difference[0].gt(1e-6);
  Tensor expected = at::zeros({8, 8}, at::kBool);
  expected.slice(0, 1, 5).slice(1, 3, 7).fill_(true);
  EXPECT_TRUE(at::equal(touched, expected)) << touched;
}

}  // namespace
}  // namespace gsv3d
