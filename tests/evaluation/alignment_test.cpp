// Known transforms must be found again, and a mode must not do more than it says.
#include "evaluation/alignment.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/tensor.h"
#include "evaluation/geometry.h"

namespace gsv3d {
namespace {

/// Points on three rods of different lengths: no turn about any axis brings it onto itself. Two seeds: other points.
Tensor shape(uint64_t seed) {
  const auto generator = make_generator(seed);
  const auto rod = [&](int64_t count, std::vector<double> size, std::vector<double> centre) {
    return (at::rand({count, 3}, generator, at::TensorOptions(at::kFloat)) - 0.5) * at::tensor(size, at::kFloat) +
           at::tensor(centre, at::kFloat);
  };
  return at::cat({rod(900, {0.9, 0.1, 0.1}, {0, -0.2, 0}), rod(400, {0.1, 0.5, 0.1}, {0.4, 0, 0}),
                  rod(300, {0.1, 0.1, 0.4}, {-0.2, -0.2, 0.25})});
}

Similarity similarity_of(double degrees, double scale, std::array<double, 3> translation) {
  const double angle = degrees * M_PI / 180;
  return {{std::cos(angle), 0, std::sin(angle), 0, 1, 0, -std::sin(angle), 0, std::cos(angle)}, scale, translation};
}

/// How far points end from where they came from, at most.
double largest_error(const Tensor& points, const Similarity& applied, Alignment alignment) {
  const Similarity found = alignment_to(moved_points(points, applied), shape(2), alignment);
  return at::linalg_vector_norm(moved_points(moved_points(points, applied), found) - points, 2, {1}).max().item<double>();
}

TEST(Alignment, ATurnAboutUpIsFoundAgain) {
  const Tensor points = shape(1);
  for (const double degrees : {33.0, 141.0, -77.7})
    EXPECT_LT(largest_error(points, similarity_of(degrees, 1, {0, 0, 0}), Alignment::up), 0.01) << degrees;
}

TEST(Alignment, ScaleAndPlaceToo) {
  for (const Alignment alignment : {Alignment::scale, Alignment::icp}) {
    const Tensor points = shape(1);
    EXPECT_LT(largest_error(points, similarity_of(68, 100, {7, -3, 20}), alignment), 0.015);
    EXPECT_LT(largest_error(points, similarity_of(200, 0.01, {0.1, 0, 0}), alignment), 0.015);
  }
}

TEST(Alignment, OnlyIcpRightsATilt) {
  const double angle = 0.15;
  Similarity tilted;  // about x, which no turn about up undoes
  tilted.rotation = {1, 0, 0, 0, std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle)};
  EXPECT_GT(largest_error(shape(1), tilted, Alignment::scale), 0.03);
  EXPECT_LT(largest_error(shape(1), tilted, Alignment::icp), 0.012);
}

TEST(Alignment, AModeDoesNotMoreThanItSays) {
  const Tensor points = shape(1);
  const Similarity none = alignment_to(moved_points(points, similarity_of(50, 2, {1, 0, 0})), shape(2), Alignment::none);
  EXPECT_EQ(none.rotation, Similarity().rotation);
  EXPECT_EQ(none.scale, 1);
  const Similarity up = alignment_to(moved_points(points, similarity_of(50, 2, {0, 0, 0})), shape(2), Alignment::up);
  EXPECT_EQ(up.scale, 1);
  EXPECT_EQ(up.translation, Similarity().translation);
  EXPECT_NEAR(up.rotation[4], 1, 1e-12);
}

TEST(Alignment, NamesAndEmptyPoints) {
  EXPECT_EQ(alignment_from_name("icp"), Alignment::icp);
  EXPECT_THROW(alignment_from_name("sideways"), UsageError);
  EXPECT_THROW(alignment_to(at::empty({0, 3}), shape(1), Alignment::up), Error);
  EXPECT_THROW(alignment_to(at::zeros({5, 3}), shape(1), Alignment::scale), Error);
}

}  // namespace
}  // namespace gsv3d
