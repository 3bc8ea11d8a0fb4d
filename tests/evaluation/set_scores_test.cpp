// FID and KID with intervals: against statistics whose error is known by hand.
#include "evaluation/set_scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "perception/set_distances.h"

namespace gsv3d {
namespace {

TEST(SetScores, JackknifeOfAMeanIsItsStandardError) {
  const std::vector<double> values = {1, 4, 2, 8, 5};
  std::vector<double> without;
  for (const double left_out : values) without.push_back((20 - left_out) / 4);
  // Deviation √7.5 of five: standard error √1.5.
  const Interval interval = jackknife_interval(4, without);
  EXPECT_NEAR(interval.low, 4 - 1.96 * std::sqrt(1.5), 1e-12);
  EXPECT_NEAR(interval.high, 4 + 1.96 * std::sqrt(1.5), 1e-12);
  EXPECT_TRUE(std::isnan(jackknife_interval(4, {1, 2}).low));
}

std::vector<Tensor> features(size_t objects, double shift, uint64_t seed) {
  const at::Generator generator = make_generator(seed);
  std::vector<Tensor> result;
  for (size_t i = 0; i < objects; ++i) result.push_back(randn({4, 6}, generator) + shift);
  return result;
}

TEST(SetScores, EqualSetsAreNoDistanceApartWhoeverIsLeftOut) {
  const auto same = features(5, 0, 1);
  const SetScores scores = score_sets(same, same);
  EXPECT_EQ(scores.pictures, 20);
  EXPECT_NEAR(scores.fid, 0, 1e-6);
  EXPECT_NEAR(scores.fid_interval.low, 0, 1e-5);
  EXPECT_NEAR(scores.fid_interval.high, 0, 1e-5);
  EXPECT_LE(scores.kid, 0) << "the unbiased estimate leaves out pairs of a picture with itself on one side only";
}

TEST(SetScores, IntervalsLeaveOutWholeObjects) {
  const auto predicted = features(6, 1, 1), truth = features(6, 0, 2);
  const SetScores scores = score_sets(predicted, truth);
  std::vector<double> fids, kids;
  for (size_t left_out = 0; left_out < 6; ++left_out) {
    std::vector<Tensor> some = predicted, some_true = truth;
    some.erase(some.begin() + static_cast<int64_t>(left_out));
    some_true.erase(some_true.begin() + static_cast<int64_t>(left_out));
    fids.push_back(frechet_distance(at::cat(some), at::cat(some_true)));
    kids.push_back(kernel_distance(at::cat(some), at::cat(some_true)));
  }
  EXPECT_DOUBLE_EQ(scores.fid, frechet_distance(at::cat(predicted), at::cat(truth)));
  EXPECT_NEAR(scores.fid_interval.low, jackknife_interval(scores.fid, fids).low, 1e-9);
  EXPECT_NEAR(scores.kid_interval.high, jackknife_interval(scores.kid, kids).high, 1e-9);
  EXPECT_LT(scores.fid_interval.low, scores.fid);
  EXPECT_GT(scores.kid_interval.high, scores.kid);
}

TEST(SetScores, IntervalsShrinkWithTheRootOfTheNumberOfObjects) {
  const auto width = [](size_t objects) {
    const SetScores scores = score_sets(features(objects, 1, 3), features(objects, 0, 4));
    return scores.kid_interval.high - scores.kid_interval.low;
  };
  // The root of 16; with twenty groups each width is itself uncertain by a sixth, their ratio by a quarter: three times that.
  EXPECT_NEAR(width(40) / width(640), 4, 3);
}

TEST(SetScores, FewObjectsHaveNoInterval) {
  const SetScores scores = score_sets(features(2, 1, 1), features(2, 0, 2));
  EXPECT_GT(scores.fid, 0);
  EXPECT_TRUE(std::isnan(scores.fid_interval.low));
  EXPECT_EQ(score_sets({}, {}).pictures, 0);
  EXPECT_THROW(score_sets(features(2, 0, 1), features(3, 0, 1)), Error);
}

}  // namespace
}  // namespace gsv3d
