// Objects painted in the colours that have words.
#include "image/named_colors.h"

#include <gtest/gtest.h>

#include <set>

namespace gsv3d {
namespace {

TEST(NamedColors, EveryWordOnce) {
  std::set<std::string> words;
  for (const NamedColor& color : named_colors()) {
    EXPECT_TRUE(words.insert(color.name).second) << color.name;
    for (const std::string& synonym : color.synonyms) EXPECT_TRUE(words.insert(synonym).second) << synonym;
  }
  EXPECT_GE(words.size(), 12u);
}

TEST(Painted, EvenPartsTakeTheColourAndDarkPartsStayDarker) {
  Tensor rgba = at::full({1, 4, 2, 2}, 0.5);
  rgba.select(1, 3).fill_(1);
  const Tensor red = at::tensor({0.8F, 0.1F, 0.2F}).unsqueeze(0);
  const Tensor even = painted(rgba, red);
  for (int64_t c = 0; c < 3; ++c)
    EXPECT_NEAR(even[0][c].max().item<float>(), red[0][c].item<float>(), 1e-5);  // brightness is the mean's everywhere
  EXPECT_EQ(even[0][3].min().item<float>(), 1);
  rgba.narrow(3, 0, 1).narrow(1, 0, 3).fill_(0.1);
  const Tensor shaded = painted(rgba, red);
  EXPECT_LT(shaded[0][0][0][0].item<float>(), 0.6 * shaded[0][0][0][1].item<float>());
  EXPECT_LE(shaded.max().item<float>(), 1);
}

TEST(Painted, WhatIsTransparentDoesNotCount) {
  Tensor rgba = at::full({1, 4, 2, 2}, 0.5);
  rgba[0][3] = at::tensor({1.0F, 1.0F, 0.0F, 0.0F}).view({2, 2});
  const Tensor blue = at::tensor({0.1F, 0.2F, 0.9F}).unsqueeze(0);
  const Tensor before = painted(rgba, blue);
  rgba[0].narrow(0, 0, 3).select(1, 1).fill_(0);  // colours under no alpha
  EXPECT_TRUE(at::equal(painted(rgba, blue)[0].select(1, 0), before[0].select(1, 0)));
}

}  // namespace
}  // namespace gsv3d
