// Paired differences and their intervals, on values whose outcome can be worked out.
#include "evaluation/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "evaluation/model_methods.h"
#include "evaluation/report.h"
#include "evaluation/score_columns.h"

namespace gsv3d {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

TEST(Statistics, PairingShowsASmallEffectBehindALargeSpread) {
  // Objects differ by tens of dB, the methods by 0.01 dB: a mean's own error hides it, the paired one does not.
  std::vector<double> reference, values;
  for (int i = 0; i < 40; ++i) {
    reference.push_back(10 + i % 20);
    values.push_back(reference.back() + (i % 2 ? 0.012 : 0.008));
  }
  EXPECT_GT(mean_and_error(values).standard_error, 0.9);
  const PairedDifference difference = paired_difference(values, reference);
  EXPECT_EQ(difference.objects, 40);
  EXPECT_NEAR(difference.over.mean, 0.01, 1e-12);
  EXPECT_NEAR(difference.over.standard_error, 0.002 / std::sqrt(39.0), 1e-9);  // deviation 0.002 √(40/39) over √40
  EXPECT_GT(difference.interval.low, 0.009);
  EXPECT_LT(difference.interval.high, 0.011);
}

TEST(Statistics, BootstrapOfTwoValuesReachesBoth) {
  // Means of two draws are 0, 0.5 and 1 with probabilities 1/4, 1/2 and 1/4.
  const Interval interval = bootstrap_interval({0, 1});
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 1);
  EXPECT_TRUE(std::isnan(bootstrap_interval({3}).low));
}

TEST(Statistics, BootstrapOfManyValuesIsTheNormalInterval) {
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(i / 399.0);
  const Interval interval = bootstrap_interval(values), again = bootstrap_interval(values);
  const double error = 1.96 * mean_and_error(values).standard_error;
  EXPECT_NEAR(interval.low, 0.5 - error, 0.1 * error);  // 2000 samples leave 3 % or so of the interval's half open
  EXPECT_NEAR(interval.high, 0.5 + error, 0.1 * error);
  EXPECT_EQ(interval.low, again.low);
}

TEST(Statistics, PairsWithoutANumberAreLeftOut) {
  const PairedDifference difference = paired_difference({1, nothing, 5, 7}, {0, 3, nothing, 4});
  EXPECT_EQ(difference.objects, 2);
  EXPECT_NEAR(difference.over.mean, 2, 1e-12);
  EXPECT_NEAR(difference.over.standard_error, 1, 1e-12);
  EXPECT_EQ(paired_difference({nothing}, {1}).objects, 0);
  EXPECT_THROW(paired_difference({1}, {}), Error);
}

ObjectScores scored(const std::string& id, double psnr, double depth_error) {
  ObjectScores object;
  object.id = id;
  object.orbit = {psnr, 0.5, 0.5, 0.5, depth_error};
  object.random = {nothing, nothing, nothing, nothing, nothing};
  return object;
}

TEST(Statistics, ReportComparesEveryMethodWithTheFirstByObject) {
  // The second method lacks an object and has the others in another order.
  const std::vector<MethodScores> methods = {{"pipeline", "", {scored("a", 10, 0.1), scored("b", 20, 0.2), scored("c", 30, 0.3)}},
                                             {true_latents_name, "", {scored("c", 33, 0.3), scored("a", 11, nothing)}}};
  const Json json = Json::parse(evaluation_json({}, methods).dump());
  EXPECT_FALSE(json["methods"][0].contains("difference"));
  const Json& difference = json["methods"][1]["difference"];
  EXPECT_EQ(difference["to"], "pipeline");
  EXPECT_EQ(difference["orbit"]["psnr"]["objects"], 2);
  EXPECT_NEAR(difference["orbit"]["psnr"]["mean"].get<double>(), 2, 1e-12);
  EXPECT_NEAR(difference["orbit"]["psnr"]["standard_error"].get<double>(), 1, 1e-12);
  EXPECT_EQ(difference["orbit"]["psnr"]["low"], 1);
  EXPECT_EQ(difference["orbit"]["psnr"]["high"], 3);
  EXPECT_EQ(difference["orbit"]["depth_error"]["objects"], 1);
  EXPECT_TRUE(difference["random"]["psnr"]["mean"].is_null());
  for (const ScoreColumn& column : score_columns()) EXPECT_TRUE(difference[column.group].contains(column.name)) << column.name;

  const std::string table = difference_table(methods);
  EXPECT_NE(table.find("| decoder on true latents | +2.00 ± 1.00 [+1.00, +3.00] |"), std::string::npos) << table;
  EXPECT_NE(table.find("ceiling of the unrefined pipeline only"), std::string::npos) << table;
  EXPECT_EQ(difference_table({methods[0]}), "");
  EXPECT_EQ(difference_table({methods[0], methods[0]}).find("ceiling"), std::string::npos) << "only where that row is";
}

}  // namespace
}  // namespace gsv3d
