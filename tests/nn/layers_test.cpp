// Layers against the formulas they stand for.
#include "nn/layers.h"

#include <gtest/gtest.h>

#include "goldens.h"

namespace gsv3d::nn {
namespace {

using ::gsv3d::testing::expect_close;

TEST(Layers, AttentionIsSoftmaxOfScaledProducts) {
  const Tensor q = at::randn({2, 5, 12}), k = at::randn({2, 7, 12}), v = at::randn({2, 7, 12});
  const int64_t heads = 3, d = 4;
  std::vector<Tensor> parts;
  for (int64_t h = 0; h < heads; ++h) {
    const auto part = [&](const Tensor& x) { return x.narrow(-1, h * d, d); };
    parts.push_back(at::matmul(at::softmax(at::matmul(part(q), part(k).transpose(1, 2)) / 2.0, -1), part(v)));
  }
  expect_close(attention(q, k, v, heads), at::cat(parts, -1), 1e-5, "attention");
}

TEST(Layers, SinusoidsHaveCosinesFirst) {
  const Tensor embedding = sinusoidal_embedding(at::tensor({0.0f, 2.0f}), 4);
  expect_close(embedding[0], at::tensor({1.f, 1.f, 0.f, 0.f}), 1e-7, "at 0");
  expect_close(embedding[1], at::tensor({std::cos(2.f), std::cos(0.02f), std::sin(2.f), std::sin(0.02f)}), 1e-6, "at 2");
}

TEST(Layers, GroupNormUsesItsEpsilonAndGroups) {
  GroupNorm norm(Scope(ParameterStore::random(0)), 4, 2, 0.1);
  const Tensor x = at::randn({1, 4, 3, 3});
  const Tensor grouped = x.view({1, 2, 18});
  const Tensor expected =
      ((grouped - grouped.mean(-1, true)) / at::sqrt(grouped.var(-1, /*unbiased=*/false, true) + 0.1)).view_as(x);
  expect_close(norm(x), expected, 1e-5, "group norm");
}

TEST(Layers, ConvolutionsPadByHalfTheKernel) {
  const auto store = ParameterStore::random(3);
  EXPECT_EQ(Conv2d(Scope(store) / "a", 2, 3, 3, 2, 1)(at::randn({1, 2, 8, 8})).sizes(), at::IntArrayRef({1, 3, 4, 4}));
  EXPECT_EQ(Conv3d(Scope(store) / "b", 2, 3, {3, 1, 1})(at::randn({1, 2, 5, 4, 4})).sizes(), at::IntArrayRef({1, 3, 5, 4, 4}));
  EXPECT_EQ(Linear::zero(Scope(store) / "c", 4, 2)(at::randn({3, 4})).abs().max().item<float>(), 0.f);
}

}  // namespace
}  // namespace gsv3d::nn
