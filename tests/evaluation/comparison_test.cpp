// Comparisons of evaluations that were run before: pairs of object and run, the verdict, and what must not be compared.
#include "evaluation/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "temporary_folder.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// An evaluation with one method; object i has the orbit PSNR psnrs[i] and the depth error errors[i].
Json evaluation(const std::vector<double>& psnrs, const std::vector<double>& errors, int64_t view_size = 32) {
  Json objects = Json::array();
  for (size_t i = 0; i < psnrs.size(); ++i)
    objects.push_back(
        {{"id", fmt::format("object{}", i)}, {"orbit", {{"psnr", psnrs[i]}, {"depth_error", errors[i]}}}, {"seconds", 1.0}});
  return {{"settings", {{"view_size", view_size}, {"recolor", false}}},
          {"methods", Json::array({{{"name", "pipeline"}, {"objects", objects}}})}};
}

std::vector<double> shifted(std::vector<double> values, double by) {
  for (double& value : values) value += by;
  return values;
}

const std::vector<double> psnrs = {10, 20, 15, 12, 30, 10, 20, 15, 12, 30},
                          errors = {0.1, 0.3, 0.2, 0.4, 0.5, 0.1, 0.3, 0.2, 0.4, 0.5};

TEST(Comparison, PairsObjectsRunByRun) {
  // Run 2 is 5 dB better than run 1 for both: only pairs of one run show the 0.5 dB between the variants.
  const EvaluatedVariant reference{"reference", {evaluation(psnrs, errors), evaluation(shifted(psnrs, 5), errors)}};
  const EvaluatedVariant other{
      "other", {evaluation(shifted(psnrs, 0.25), shifted(errors, 0.1)), evaluation(shifted(psnrs, 5.75), shifted(errors, 0.1))}};
  const std::string table = comparison_table({reference, other});
  // twenty pairs, ten of 0.25 and ten of 0.75: standard error √(20 · 0.0625 / (20 · 19)) = 0.0574
  EXPECT_THAT(table, HasSubstr("| other | orbit PSNR, dB | 19.90 | 20.40 | +0.50 ± 0.06 ["));
  EXPECT_THAT(table, HasSubstr("| +0.25, +0.75 | better |"));
  EXPECT_THAT(table, HasSubstr("| +0.100, +0.100 | worse |"));  // a depth error that grew
  EXPECT_THAT(table, Not(HasSubstr("SSIM")));                   // that nobody has
}

TEST(Comparison, RunsThatDisagreeAreNoFinding) {
  const EvaluatedVariant reference{"reference", {evaluation(psnrs, errors), evaluation(psnrs, errors)}};
  const EvaluatedVariant other{"other", {evaluation(shifted(psnrs, 2), errors), evaluation(shifted(psnrs, -0.1), errors)}};
  const std::string table = comparison_table({reference, other});
  EXPECT_THAT(table, HasSubstr("| +2.00, -0.10 | within noise |"));
  EXPECT_THAT(table, HasSubstr("| +0.000, +0.000 | within noise |"));
}

TEST(Comparison, AFindingIsWithheldOfOneRunAndOfFewObjects) {
  const EvaluatedVariant once{"once", {evaluation(psnrs, errors)}}, better{"better", {evaluation(shifted(psnrs, 2), errors)}};
  const std::string single = comparison_table({once, better});
  EXPECT_THAT(single, HasSubstr("| +2.00 ± 0.00 [+2.00, +2.00] | +2.00 | withheld: one run |"));
  EXPECT_THAT(single, HasSubstr("No finding with one run, because"));
  const auto nine = [](double by) {
    const std::vector<double> few(psnrs.begin(), psnrs.begin() + 9);
    return Json(evaluation(shifted(few, by), std::vector<double>(9, 0.1)));
  };
  EXPECT_THAT(comparison_table({{"one", {nine(0), nine(0)}}, {"other", {nine(2), nine(2)}}}),
              AllOf(HasSubstr("| +2.00, +2.00 | withheld: 9 objects |"), HasSubstr("fewer than 10 objects")));
  const std::string enough =
      comparison_table({{"one", {once.runs[0], once.runs[0]}}, {"other", {better.runs[0], better.runs[0]}}});
  EXPECT_THAT(enough, HasSubstr("| +2.00, +2.00 | better |"));
  EXPECT_THAT(enough, Not(HasSubstr("No finding")));
}

TEST(Comparison, EvaluationsOfBeforeProtocolsAreComparedByWhatTheyMeant) {
  Json old = evaluation(psnrs, errors), now = old, drawn = old;
  old["settings"]["input_elevation_degrees"] = 10;
  now["settings"]["protocol"] = drawn["settings"]["protocol"] = "gso";
  now["settings"]["orbit_elevation_degrees"] = 10;
  drawn["settings"]["orbit_elevation_degrees"] = nullptr;
  EXPECT_NO_THROW(comparison_table({{"old", {old}}, {"now", {now}}}));
  EXPECT_THROW(comparison_table({{"old", {old}}, {"drawn", {drawn}}}), Error);
}

TEST(Comparison, WhatDoesNotBelongTogetherIsRefused) {
  const EvaluatedVariant one{"one", {evaluation(psnrs, errors)}}, two{"two", {evaluation(psnrs, errors), evaluation({1}, {1})}};
  const auto message = [](const std::vector<EvaluatedVariant>& variants, const std::string& method = {}) -> std::string {
    try {
      comparison_table(variants, method);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(message({one}), HasSubstr("at least two"));
  EXPECT_THAT(message({one, two}), HasSubstr("two has 2 runs, one has 1"));
  EXPECT_THAT(message({one, {"large", {evaluation(psnrs, errors, 64)}}}), HasSubstr("view_size is 64 and 32"));
  EXPECT_THAT(message({one, {"empty", {evaluation({}, {})}}}), HasSubstr("no object in common"));
  EXPECT_THAT(message({one, one}, "billboard"), HasSubstr("no method \"billboard\""));
  EXPECT_EQ(message({one, one}), "");
}

TEST(Comparison, VariantsAreReadByNameAndRuns) {
  const testing::TemporaryFolder folder;
  const std::string a = (folder.path() / "a.json").string(), b = (folder.path() / "b.json").string();
  write_json_file(a, evaluation(psnrs, errors)), write_json_file(b, evaluation({1}, {1}));
  const EvaluatedVariant named = read_variant("mine=" + a + "," + b);
  EXPECT_EQ(named.name, "mine");
  ASSERT_EQ(named.runs.size(), 2u);
  EXPECT_EQ(named.runs[1]["methods"][0]["objects"].size(), 1u);
  EXPECT_EQ(read_variant(a).name, a);
  write_json_file(b, {{"settings", 1}});
  EXPECT_THROW(read_variant(b), Error);
}

}  // namespace
}  // namespace gsv3d
