// FID and KID against closed forms and plain loops.
#include "perception/set_distances.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/tensor.h"

namespace gsv3d {
namespace {

/// Rows with exactly this mean [D] and covariance R Rᵀ (divisor n - 1) of R [D, D]: ± the columns of R times √((2 D - 1) / 2).
Tensor with_moments(const Tensor& mean, const Tensor& root) {
  const auto count = static_cast<double>(2 * root.size(1));
  const Tensor offsets = root.t() * std::sqrt((count - 1) / 2);
  return at::cat({offsets, -offsets}) + mean;
}

TEST(FrechetDistance, OfDiagonalCovariances) {
  const Tensor deviations_a = at::tensor({1.0, 2.0, 0.5, 3.0}, at::kDouble),
               deviations_b = at::tensor({2.0, 2.0, 1.5, 0.25}, at::kDouble);
  const Tensor mean_a = at::tensor({0.0, 1.0, -1.0, 2.0}, at::kDouble), mean_b = at::tensor({0.5, 1.0, 1.0, 0.0}, at::kDouble);
  const Tensor a = with_moments(mean_a, at::diag(deviations_a)), b = with_moments(mean_b, at::diag(deviations_b));
  const double expected = (0.25 + 0 + 4 + 4) + (1 + 0 + 1 + 2.75 * 2.75);
  EXPECT_NEAR(frechet_distance(a, b), expected, 1e-9);
  EXPECT_NEAR(frechet_distance(b, a), expected, 1e-9);
  EXPECT_NEAR(frechet_distance(a, a), 0, 1e-9);
}

TEST(FrechetDistance, OfCovariancesThatDoNotCommute) {
  // Of 2 × 2 matrices with positive eigenvalues tr √M = √(tr M + 2 √det M).
  const Tensor ra = at::tensor({2.0, 0.0, 1.0, 1.0}, at::kDouble).view({2, 2}),
               rb = at::tensor({1.0, 0.7, 0.0, 3.0}, at::kDouble).view({2, 2});
  const Tensor ca = at::matmul(ra, ra.t()), cb = at::matmul(rb, rb.t()), product = at::matmul(ca, cb);
  EXPECT_GT((product - at::matmul(cb, ca)).abs().max().item<double>(), 1) << "they do not commute";
  const double trace = product.trace().item<double>();
  const double determinant = (product[0][0] * product[1][1] - product[0][1] * product[1][0]).item<double>();
  const double expected =
      ca.trace().item<double>() + cb.trace().item<double>() - 2 * std::sqrt(trace + 2 * std::sqrt(determinant));
  const Tensor zero = at::zeros({2}, at::kDouble);
  EXPECT_NEAR(frechet_distance(with_moments(zero, ra), with_moments(zero, rb)), expected, 1e-9);
}

TEST(FrechetDistance, ManyAndFewPicturesGoDifferentWays) {
  // Fewer vectors than numbers in each, and more: the second is the first with every row three times.
  const Tensor a = randn({5, 8}, make_generator(1)).to(at::kDouble), b = randn({6, 8}, make_generator(2)).to(at::kDouble) + 1;
  const auto times = [](const Tensor& x, int64_t n) { return x.repeat({n, 1}); };
  // Covariances of repeated rows shrink by (n k - k) / (n k - 1): by scaling rows around their mean they are the same again.
  const auto corrected = [&](const Tensor& x) {
    const double n = static_cast<double>(x.size(0)), k = 3;
    return (times(x, 3) - x.mean(0)) * std::sqrt((n * k - 1) / (n * k - k)) + x.mean(0);
  };
  EXPECT_NEAR(frechet_distance(corrected(a), corrected(b)), frechet_distance(a, b), 1e-9);
  EXPECT_GT(frechet_distance(a, b), 1);
}

TEST(KernelDistance, IsTheUnbiasedEstimate) {
  const Tensor x = randn({7, 4}, make_generator(3)).to(at::kDouble).contiguous(),
               y = (randn({5, 4}, make_generator(4)).to(at::kDouble) + 0.5).contiguous();
  const auto a = x.accessor<double, 2>(), b = y.accessor<double, 2>();
  const auto kernel = [](const auto& rows, int64_t i, const auto& others, int64_t j) {
    double product = 0;
    for (int64_t k = 0; k < 4; ++k) product += rows[i][k] * others[j][k];
    return std::pow(product / 4 + 1, 3);
  };
  double xx = 0, yy = 0, xy = 0;
  for (int64_t i = 0; i < 7; ++i)
    for (int64_t j = 0; j < 7; ++j)
      if (i != j) xx += kernel(a, i, a, j);
  for (int64_t i = 0; i < 5; ++i)
    for (int64_t j = 0; j < 5; ++j)
      if (i != j) yy += kernel(b, i, b, j);
  for (int64_t i = 0; i < 7; ++i)
    for (int64_t j = 0; j < 5; ++j) xy += kernel(a, i, b, j);
  EXPECT_NEAR(kernel_distance(x, y), xx / 42 + yy / 20 - 2 * xy / 35, 1e-12);
}

TEST(KernelDistance, OfTwoSamplesOfOneKindIsAboutZeroAndOfTwoKindsIsNot) {
  const Tensor a = randn({3000, 6}, make_generator(5)), b = randn({2500, 6}, make_generator(6));  // in more than one part
  EXPECT_NEAR(kernel_distance(a, b), 0, 0.01);
  EXPECT_GT(kernel_distance(a, b + 0.5), 0.1);
}

TEST(SetDistances, RefuseWhatIsNoTwoSets) {
  EXPECT_THROW(frechet_distance(at::zeros({1, 4}), at::zeros({3, 4})), Error);
  EXPECT_THROW(kernel_distance(at::zeros({3, 4}), at::zeros({3, 5})), Error);
}

}  // namespace
}  // namespace gsv3d
