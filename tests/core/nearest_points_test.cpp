// Nearest points against all distances, one by one.
#include "core/nearest_points.h"

#include <gtest/gtest.h>

#include "errors.h"

namespace gsv3d {
namespace {

TEST(NearestPoints, AreThoseOfAllDistances) {
  const at::Generator generator = make_generator(4);
  for (const int64_t count : {1, 8, 9, 700}) {
    const Tensor points = randn({300, 3}, generator), targets = randn({count, 3}, generator);
    const auto [distances, rows] = nearest_neighbours(points, targets);
    const auto [expected, expected_rows] = at::cdist(points.to(at::kDouble), targets.to(at::kDouble)).min(1);
    EXPECT_TRUE(at::equal(rows, expected_rows)) << count;
    EXPECT_LT((distances - expected).abs().max().item<double>(), 1e-6) << count;
  }
}

TEST(NearestPoints, TheSamePlaceManyTimesIsAtDistanceZero) {
  const Tensor targets = at::ones({50, 3});
  EXPECT_EQ(nearest_neighbours(at::ones({2, 3}), targets).distances.max().item<double>(), 0);
}

TEST(NearestPoints, RefuseWhatIsNoPoints) {
  const Tensor points = at::ones({2, 3});
  testing::expect_error([&] { nearest_neighbours(points, at::ones({0, 3})); }, "targets has no points");
  testing::expect_error([&] { nearest_neighbours(points.to(at::kDouble), points); }, "points must be float32 [N, 3]");
  testing::expect_error([&] { nearest_neighbours(points, points / 0); }, "targets has a coordinate that is not finite");
}

}  // namespace
}  // namespace gsv3d
