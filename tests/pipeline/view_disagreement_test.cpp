// The difference of views and object where it is known by hand: an object that nobody sees, over white.
#include "pipeline/view_disagreement.h"

#include <gtest/gtest.h>

#include "camera/orbit.h"
#include "errors.h"

namespace gsv3d {
namespace {

Gaussians invisible() {
  return {at::zeros({1, 3}), at::tensor({1.F, 0.F, 0.F, 0.F}).unsqueeze(0), at::full({1, 3}, 0.01F), at::zeros({1}),
          at::zeros({1, 1, 3})};
}

TEST(ViewDisagreement, IsTheDifferenceOfColourOfAllViewsButThePhotos) {
  const Cameras cameras = orbit_cameras(3, 10, 16);
  Tensor views = at::ones({3, 3, 16, 16});
  EXPECT_EQ(view_disagreement(invisible(), views, cameras).value, 0);
  views[0].fill_(0);
  views[1].fill_(0.7);
  views[2].fill_(0.6);
  const ViewDisagreement found = view_disagreement(invisible(), views, cameras);
  ASSERT_EQ(found.views.size(), 3U);
  EXPECT_NEAR(found.views[0], 1, 1e-6);
  EXPECT_NEAR(found.views[1], 0.3, 1e-6);
  EXPECT_NEAR(found.views[2], 0.4, 1e-6);
  EXPECT_NEAR(found.value, std::sqrt((0.09 + 0.16) / 2), 1e-6);
  testing::expect_error([&] { view_disagreement(invisible(), views, orbit_cameras(2, 10, 16)); }, "3 views and 2 cameras");
}

}  // namespace
}  // namespace gsv3d
