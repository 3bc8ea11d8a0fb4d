// Baselines on views whose outcome is known, averaging, and the report.
#include "evaluation/protocol.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/atomic_file.h"
#include "core/error.h"
#include "dataset/shards.h"
#include "evaluation/baselines.h"
#include "evaluation/report.h"
#include "goldens.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using testing::expect_near;
using testing::TemporaryFolder;

/// An upright square of side 1 in the plane z = 0, its left half red and its right half green, seen from a 4-view orbit and one
/// more camera.
ObjectViews square_views(const std::string& id, double elevation = 0, int64_t size = 64) {
  ObjectViews views;
  views.id = id;
  views.orbit_views = 4;
  views.elevation_degrees = elevation;
  views.cameras = concatenate({orbit_cameras(4, elevation, size), look_at_cameras({30}, {elevation}, size)});
  const Rays rays = camera_rays(views.cameras, size, size);
  const Tensor distance = -rays.origins.select(1, 2).view({-1, 1, 1}) / rays.directions.select(1, 2);
  const Tensor points = rays.origins.view({-1, 3, 1, 1}) + distance.unsqueeze(1) * rays.directions;
  const Tensor x = points.select(1, 0), y = points.select(1, 1);
  const Tensor hit = x.abs().lt(0.5).logical_and(y.abs().lt(0.5)).logical_and(distance.gt(0)).logical_and(distance.lt(4));
  const Tensor red = x.lt(0).logical_and(hit), green = x.ge(0).logical_and(hit);
  views.rgba = (at::stack({red, green, at::zeros_like(red), hit}, 1).to(at::kFloat) * 255).to(at::kByte);
  const Tensor forward = views.cameras.world_to_camera.select(1, 2).slice(1, 0, 3);
  const Tensor z =
      (points * forward.view({-1, 3, 1, 1})).sum(1) + views.cameras.world_to_camera.select(1, 2).select(1, 3).view({-1, 1, 1});
  views.depth = at::where(hit, z, at::zeros_like(z));
  return views;
}

ViewSet one(const ViewSet& views, int64_t index) {
  return {views.rgb.slice(0, index, index + 1), views.alpha.slice(0, index, index + 1),
          views.depth.defined() ? views.depth.slice(0, index, index + 1) : Tensor()};
}

void write_shards(const std::filesystem::path& folder, const std::vector<ObjectViews>& samples) {
  ShardWriter writer(folder, "views");
  for (const auto& sample : samples) writer.add(sample);
  writer.finish();
}

TEST(Baselines, BillboardIsExactForAFlatObject) {
  const EvaluationCase object = make_case(square_views("square"), 0);
  const ViewSet truth = true_views(object.truth, 0, 5), predicted = billboard_method().predict(object, object.truth.cameras);
  // Own view: every sample falls on a pixel centre.
  expect_near(predicted.rgb[0], truth.rgb[0], 1e-4, "input view");
  // From behind (view 2) the picture is seen mirrored, from 30 degrees (view 4) foreshortened: right but for edge pixels.
  for (const int64_t view : {2, 4}) {
    const Scores scores = score_views(one(predicted, view), one(truth, view));
    EXPECT_GT(scores.mask_iou, 0.9) << "view " << view;
    EXPECT_GT(scores.psnr, 18) << "view " << view;
    EXPECT_LT(scores.depth_error, 1e-3) << "view " << view;
  }
}

TEST(Baselines, RepeatedInputIsTheInputEverywhere) {
  const EvaluationCase object = make_case(square_views("square"), 0);
  const ViewSet predicted = repeated_input_method().predict(object, object.truth.cameras.slice(1, 5));
  expect_near(predicted.rgb, object.input_rgb.expand({4, 3, 64, 64}), 1e-6, "pictures");
  EXPECT_FALSE(predicted.depth.defined());
}

TEST(Baselines, NearestObjectShowsTheMostSimilarTrainingObject) {
  ObjectViews similar = square_views("similar"), other = square_views("other");
  similar.rgba.select(1, 2).fill_(20);  // a touch of blue
  other.rgba = at::where(other.rgba.select(1, 3).unsqueeze(1).gt(0), 255 - other.rgba, other.rgba);
  other.rgba.select(1, 3).copy_(similar.rgba.select(1, 3));
  TemporaryFolder folder;
  write_shards(folder.path(), {other, similar});
  const std::vector<EvaluationCase> cases = {make_case(square_views("square"), 0)};
  const ViewSet predicted = nearest_object_method(folder.path(), cases).predict(cases[0], cases[0].truth.cameras.slice(1, 5));
  expect_near(predicted.rgb, true_views(similar, 1, 5).rgb, 1e-6, "views of the similar object, in the targets' order");
  expect_near(predicted.depth, true_views(similar, 1, 5).depth, 1e-3, "depth");
}

TEST(Scores, EqualViewsAndAKnownOffset) {
  const ViewSet truth = true_views(square_views("square"), 0, 5);
  const Scores equal = score_views(truth, truth);
  EXPECT_EQ(equal.psnr, 100);
  EXPECT_NEAR(equal.ssim_zero_pad, 1, 1e-9);
  EXPECT_NEAR(equal.ssim_valid, 1, 1e-9);
  EXPECT_EQ(equal.mask_iou, 1);
  EXPECT_EQ(equal.depth_error, 0);
  const Scores offset = score_views({truth.rgb + 0.1, truth.alpha, truth.depth + 0.25}, truth);
  EXPECT_NEAR(offset.psnr, 20, 1e-4);
  EXPECT_NEAR(offset.depth_error, 0.25, 1e-6);
  EXPECT_TRUE(std::isnan(score_views({truth.rgb, truth.alpha, {}}, truth).depth_error));
}

TEST(Scores, PsnrsAreAveragedNotErrors) {
  const ViewSet truth = one(true_views(square_views("square"), 0, 5), 0);
  const ViewSet pair{at::cat({truth.rgb, truth.rgb}), at::cat({truth.alpha, truth.alpha}), at::cat({truth.depth, truth.depth})};
  const Tensor offsets = at::tensor({0.1f, 0.01f}).view({2, 1, 1, 1});  // 20 and 40 dB
  EXPECT_NEAR(score_views({pair.rgb + offsets, pair.alpha, pair.depth}, pair).psnr, 30, 1e-3);
}

TEST(Scores, SummaryIgnoresWhatIsNotANumber) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  const MeanAndError psnr = mean_and_error({10, 14, 18}), depth_error = mean_and_error({nothing, 0.2, 0.4});
  EXPECT_NEAR(psnr.mean, 14, 1e-12);
  EXPECT_NEAR(psnr.standard_error, 4 / std::sqrt(3.0), 1e-12);  // deviation 4 of three objects
  EXPECT_NEAR(depth_error.mean, 0.3, 1e-12);
  EXPECT_TRUE(std::isnan(mean_and_error({nothing, 1}).standard_error));
}

TEST(Protocol, ScoresEveryViewButTheInputAndKeepsOrbitAndRandomApart) {
  const std::vector<EvaluationCase> cases = {make_case(square_views("a"), 0), make_case(square_views("b"), 1)};
  const Method method{"known", "right on the orbit, off by 0.1 elsewhere",
                      [](const EvaluationCase& object, const Cameras& targets) {
                        EXPECT_EQ(targets.count(), 4);
                        EXPECT_TRUE(at::equal(targets.world_to_camera, object.truth.cameras.world_to_camera.slice(0, 1)));
                        ViewSet views = true_views(object.truth, 1, 5);
                        views.rgb = at::cat({views.rgb.slice(0, 0, 3), views.rgb.slice(0, 3) + 0.1});
                        return views;
                      }};
  const auto results = evaluate(cases, {method});
  ASSERT_EQ(results.size(), 1u);
  ASSERT_EQ(results[0].objects.size(), 2u);
  for (const auto& object : results[0].objects) {
    EXPECT_EQ(object.orbit.psnr, 100) << object.id;
    EXPECT_NEAR(object.random.psnr, 20, 1e-4) << object.id;
  }
  EXPECT_EQ(results[0].objects[1].id, "b");
}

TEST(Protocol, TakesEachObjectOnceAtTheInputsElevation) {
  TemporaryFolder folder;
  write_shards(folder.path(), {square_views("a", 10), square_views("a", 25), square_views("b", 10), square_views("c", -4),
                               square_views("b", 10)});
  CaseSelection selection;
  selection.dataset = folder.path();
  const auto cases = load_cases(selection);
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].truth.id, "a");
  EXPECT_EQ(cases[1].truth.id, "b");
  EXPECT_NE(cases[0].seed, cases[1].seed);
  selection.limit = 1;
  EXPECT_EQ(load_cases(selection).size(), 1u);
  selection.protocol.orbit_elevation_degrees = 50;
  EXPECT_THROW(load_cases(selection), Error);
  selection.dataset = folder.path() / "missing";
  EXPECT_THROW(load_cases(selection), Error);
}

TEST(Protocol, TakesTheSplitByTheTableAndAnyElevationWithinTheLimits) {
  TemporaryFolder folder;
  write_shards(folder.path(), {square_views("a", 40), square_views("a", 25), square_views("b", 10), square_views("c", -4)});
  write_file(folder / "objects.csv", "id,split\na,val\nb,test\nc,val\n");
  CaseSelection selection;
  selection.dataset = folder.path();
  selection.protocol = protocol_from_name("objaverse");
  EXPECT_EQ(plan_cases(selection).split, "test+val");
  selection.protocol.split = "val";
  const CasePlan plan = plan_cases(selection);
  ASSERT_EQ(plan.ids, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(plan.split, "val");
  EXPECT_EQ(plan.orbit_views, 3);
  EXPECT_EQ(plan.random_views, 1);
  const LoadedCases second = load_planned(selection, plan, {1});
  EXPECT_EQ(second.cases.at(0).elevation_degrees(), -4);
  EXPECT_EQ(load_planned(selection, plan, {0}).cases.at(0).elevation_degrees(), 25);
  EXPECT_EQ(second.cases[0].seed, load_cases(selection).at(1).seed) << "its noise does not depend on what else is loaded";
  selection.protocol.split = "train";
  EXPECT_THROW(plan_cases(selection), Error);
  selection.protocol.split = "val";
  selection.protocol.input_elevation_degrees = 5;
  EXPECT_THROW(plan_cases(selection), UsageError) << "stored views have no input of its own";
}

TEST(Protocol, RecolorsInputAndTruthAlike) {
  ObjectViews views = square_views("a", 10);
  views.rgba.fill_(255);
  const Tensor pixel = at::tensor({10, 20, 30, 128}, at::kByte);
  views.rgba.select(3, 7).select(2, 5).copy_(pixel.expand({5, 4}));
  TemporaryFolder folder;
  write_shards(folder.path(), {views});
  CaseSelection selection;
  selection.dataset = folder.path();
  const auto plain = load_cases(selection);
  selection.recolor = true;
  const auto cases = load_cases(selection);
  const Tensor expected = at::tensor({30, 10, 20, 128}, at::kByte);  // red went to green, green to blue, blue to red
  for (int64_t view = 0; view < 5; ++view) {
    EXPECT_TRUE(at::equal(plain[0].truth.rgba[view].select(2, 7).select(1, 5), pixel)) << "view " << view;
    EXPECT_TRUE(at::equal(cases[0].truth.rgba[view].select(2, 7).select(1, 5), expected)) << "view " << view;
  }
  expect_near(cases[0].input_rgba.select(2, 7).select(1, 5), expected.to(at::kFloat) / 255, 1e-7, "input");
  // Over white, by hand: (30 · 128 + 255 · 127) / 255² and so on. The white around the object stays white.
  expect_near(cases[0].input_rgb[0].select(2, 7).select(1, 5), at::tensor({0.557093f, 0.517724f, 0.537409f}), 1e-6, "over white");
  EXPECT_TRUE(cases[0].input_rgb[0].select(2, 8).eq(1).all().item<bool>());
  EXPECT_TRUE(at::equal(cases[0].truth.depth, plain[0].truth.depth));
}

TEST(Report, AutoencoderHasALineAndEveryNumberOfEveryObject) {
  const std::vector<AutoencoderScores> scores = {{"a", 30, 20}, {"b", 32, 24}};
  const std::string line = autoencoder_line(scores);  // of two objects the standard error is half their distance
  EXPECT_NE(line.find("31.00 ± 1.00 dB over the frame, 22.00 ± 2.00 dB over the object's pixels"), std::string::npos) << line;
  EvaluationSettings settings;
  settings.recolor = true;
  const Json json = evaluation_json(settings, {}, scores);
  EXPECT_EQ(json["settings"]["recolor"], true);
  EXPECT_NEAR(json["autoencoder"]["foreground_psnr"]["mean"].get<double>(), 22, 1e-12);
  EXPECT_NEAR(json["autoencoder"]["psnr"]["standard_error"].get<double>(), 1, 1e-9);
  EXPECT_EQ(json["autoencoder"]["objects"][1]["foreground_psnr"], 24);
  EXPECT_EQ(autoencoder_line({}), "");
  EXPECT_FALSE(evaluation_json(settings, {}).contains("autoencoder"));
}

TEST(Report, HasARowPerMethodAndEveryNumberOfEveryObject) {
  const std::vector<EvaluationCase> cases = {make_case(square_views("maker/a"), 0)};
  const std::vector<Method> methods = {repeated_input_method(), billboard_method()};
  TemporaryFolder folder;
  EvaluationSheets sheets(folder.path());
  const auto results =
      evaluate(cases, methods, [&](const EvaluationCase& object, const Method& method, const ViewSet& predicted) {
        sheets.add(object, method, predicted, method.name == "billboard");
      });
  const std::string table = markdown_table(results);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4) << table;
  EXPECT_NE(table.find("| input repeated |"), std::string::npos) << table;
  EXPECT_EQ(table.find("nan"), std::string::npos) << table;
  const Json json = Json::parse(evaluation_json({}, results).dump());
  EXPECT_TRUE(json["methods"][0]["objects"][0]["orbit"]["depth_error"].is_null());
  EXPECT_NEAR(json["methods"][1]["objects"][0]["orbit"]["psnr"].get<double>(), results[1].objects[0].orbit.psnr, 1e-12);
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "maker_a.png"));
}

}  // namespace
}  // namespace gsv3d
