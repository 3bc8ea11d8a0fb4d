// Numbers of the spread of views that are known by hand.
#include "pipeline/view_spread.h"

#include <gtest/gtest.h>

#include "errors.h"

namespace gsv3d {
namespace {

/// Two views of 4 × 4 pixels over white; the object is the left half, of this grey in view 1 and of 0.5 in view 0.
Tensor views_with(double grey) {
  Tensor views = at::ones({2, 4, 4, 4});
  views.select(1, 3).zero_();
  views.select(1, 3).narrow(2, 0, 2).fill_(1);
  views[0].narrow(0, 0, 3).narrow(2, 0, 2).fill_(0.5);
  views[1].narrow(0, 0, 3).narrow(2, 0, 2).fill_(grey);
  return views;
}

TEST(ViewSpread, IsTheDeviationOverTheObject) {
  const ViewSpread spread = view_spread({views_with(0.2), views_with(0.4)});
  const double deviation = 0.2 / std::sqrt(2.0);  // of two numbers, unbiased
  EXPECT_EQ(spread.pictures.sizes(), (std::vector<int64_t>{2, 1, 4, 4}));
  EXPECT_NEAR(spread.pictures[1][0][0][0].item<double>(), deviation, 1e-6);
  EXPECT_EQ(spread.pictures[1][0][0][3].item<double>(), 0);
  ASSERT_EQ(spread.views.size(), 2U);
  EXPECT_EQ(spread.views[0], 0);
  EXPECT_NEAR(spread.views[1], deviation, 1e-6);
  EXPECT_NEAR(spread.value, deviation, 1e-6) << "the view that is a photo does not make the others surer";
}

TEST(ViewSpread, OfEqualViewsIsZeroAndWithoutAlphaTheDarkPixelsCount) {
  EXPECT_EQ(view_spread({views_with(0.3), views_with(0.3), views_with(0.3)}).value, 0);
  const Tensor first = views_with(0).narrow(1, 0, 3), second = views_with(0.2).narrow(1, 0, 3);
  // The object covers 1 and 0.8 of its half.
  EXPECT_NEAR(view_spread({first, second}).value, 0.2 / std::sqrt(2.0) / std::sqrt(0.9), 1e-6);
}

TEST(ViewSpread, NeedsTwoSeeds) {
  EXPECT_NE(testing::error_of([] { view_spread({views_with(0)}); }).find("at least two seeds"), std::string::npos);
}

}  // namespace
}  // namespace gsv3d
