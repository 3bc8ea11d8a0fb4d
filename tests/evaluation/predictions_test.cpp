// Predictions of other programs: the truth as a prediction is ideal in every column, a changed one only where it was changed, and
// files that cannot be scored are listed with a reason.
#include "evaluation/predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/atomic_file.h"
#include "core/error.h"
#include "dataset/renderer.h"
#include "evaluation/baselines.h"
#include "evaluation/object_surface.h"
#include "evaluation/report.h"
#include "gaussian_files/gaussian_file.h"
#include "gaussians/similarity.h"
#include "memory_files.h"
#include "objects/object_reader.h"
#include "rasterizer/rasterizer.h"

namespace gsv3d {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// A closed box of these sides around a centre as OBJ and MTL; its material is one colour.
struct Box {
  std::array<double, 3> sides = {0.7, 0.5, 0.6}, centre = {0, 0, 0}, color = {0.8, 0.2, 0.2};
};

void write_box(const std::filesystem::path& path, const Box& box) {
  std::string text = "mtllib " + path.stem().string() + ".mtl\nusemtl paint\n";
  for (int corner = 0; corner < 8; ++corner) {
    text += "v";
    for (int axis = 0; axis < 3; ++axis)
      text += fmt::format(" {:.6f}", box.centre[axis] + box.sides[axis] * ((corner >> axis & 1) - 0.5));
    text += "\n";
  }
  text += "f 1 3 4 2\nf 5 6 8 7\nf 1 2 6 5\nf 3 7 8 4\nf 1 5 7 3\nf 2 4 8 6\n";
  write_file(path, text);
  write_file(std::filesystem::path(path).replace_extension(".mtl"),
             fmt::format("newmtl paint\nKd {} {} {}\n", box.color[0], box.color[1], box.color[2]));
}

/// The box as an object of an evaluation: rendered as data sets are.
EvaluationCase box_case(const std::string& id, const Box& box = {}) {
  TemporaryFolder folder;
  write_box(folder / "box.obj", box);
  const Object object = read_object(*open_folder(folder.path()), "box.obj");
  ViewPlan plan;
  plan.size = 64;
  plan.orbit_views = 4;
  plan.random_views = 2;
  ObjectViews views = render_views(ObjectRenderer(object), plan, {}, make_generator(3));
  views.id = id;
  EvaluationCase result = make_case(std::move(views), 1);
  result.surface = surface_of_object(object);
  return result;
}

struct Predictions : ::testing::Test {
  void SetUp() override {
    if (testing::lacks_library([] { box_case("box"); })) GTEST_SKIP() << "built without Embree";
  }
  ObjectScores score(const EvaluationCase& object) const {
    return evaluate({object}, {predictions_method(folder.path())}).at(0).objects.at(0);
  }
  const TemporaryFolder folder;
};

TEST_F(Predictions, TruthAsAPredictionIsIdealInEveryColumn) {
  write_box(folder / "maker_box.obj", {});
  const ObjectScores scores = score(box_case("maker/box"));
  for (const ScoreColumn& column : score_columns()) {
    if (column.on_demand) continue;
    const double ideal = column.name == "psnr" ? 100 : column.higher_is_better ? 1 : 0;
    EXPECT_NEAR(column.of(scores), ideal, 1e-6) << column.group << " " << column.name;
  }
}

TEST_F(Predictions, AnotherColourChangesTheColoursOnly) {
  Box green;
  green.color = {0.2, 0.8, 0.2};
  write_box(folder / "box.obj", green);
  const ObjectScores scores = score(box_case("box"));
  for (const ScoreColumn& column : score_columns()) {
    if (column.on_demand) continue;
    const bool of_colours = column.name == "psnr" || column.name.starts_with("ssim");
    const double ideal = column.name == "psnr" ? 100 : column.higher_is_better ? 1 : 0;
    if (!of_colours)
      EXPECT_NEAR(column.of(scores), ideal, 1e-6) << column.group << " " << column.name;
    else
      EXPECT_LT(column.of(scores), column.name == "psnr" ? 20 : 0.99) << column.group << " " << column.name;
  }
}

TEST_F(Predictions, ShiftedAndScaledOnesChangeMasksDepthAndGeometryByWhatCanBeWorkedOut) {
  Box shifted;
  shifted.centre = {0.07, 0, 0};  // a tenth of the side
  write_box(folder / "box.obj", shifted);
  const ObjectScores moved = score(box_case("box"));
  EXPECT_NEAR(moved.geometry.volume_iou, 0.9 / 1.1, 0.02);
  EXPECT_LT(moved.orbit.psnr, 30);
  EXPECT_LT(moved.orbit.mask_iou, 0.97);
  EXPECT_GT(moved.orbit.depth_error, 0.005);
  EXPECT_LT(moved.geometry.f_score_5, 0.95);

  Box larger;
  for (double& side : larger.sides) side *= 1.2;
  write_box(folder / "box.obj", larger);
  const ObjectScores grown = score(box_case("box"));
  EXPECT_NEAR(grown.geometry.volume_iou, 1 / 1.728, 0.02);
  // The mask grows by 1.44 seen from infinity, by somewhat more from a distance of 2.
  EXPECT_NEAR(grown.orbit.mask_iou, 1 / 1.44, 0.06);
  // Every side is nearer by 0.05 to 0.07; the cameras meet them at a slant.
  EXPECT_GT(grown.orbit.depth_error, 0.05);
  EXPECT_LT(grown.orbit.depth_error, 0.12);
  EXPECT_EQ(grown.geometry.f_score_2, 0);
}

TEST_F(Predictions, AlignmentUndoesAnotherScaleAndPlace) {
  Box theirs;
  for (double& side : theirs.sides) side *= 100;
  theirs.centre = {30, -20, 10};
  write_box(folder / "box.obj", theirs);
  const EvaluationCase object = box_case("box");
  const auto scores = [&](Alignment alignment) {
    return evaluate({object}, {predictions_method(folder.path(), alignment)}).at(0);
  };
  EXPECT_ANY_THROW(scores(Alignment::none)) << "a hundred times too large";
  for (const Alignment alignment : {Alignment::scale, Alignment::icp}) {
    const ObjectScores aligned = scores(alignment).objects.at(0);
    EXPECT_GT(aligned.orbit.mask_iou, 0.97);
    EXPECT_LT(aligned.geometry.chamfer, 0.006);
    EXPECT_GT(aligned.geometry.volume_iou, 0.93);
    EXPECT_LT(aligned.random.depth_error, 0.01);
  }
  EvaluationCase unknown = object;
  unknown.surface = {};
  EXPECT_THAT(
      testing::error_of([&] { predictions_method(folder.path(), Alignment::up).predict(unknown, unknown.truth.cameras); }),
      HasSubstr("true surface"));
}

/// A ball of opaque Gaussians, and a case whose true views are their pictures.
Gaussians ball(const std::array<float, 3>& color) {
  const Tensor directions = randn({600, 3}, make_generator(4));
  const Tensor means = 0.4 * directions / at::linalg_vector_norm(directions, 2, {1}, /*keepdim=*/true);
  Tensor quats = at::zeros({600, 4});
  quats.select(1, 0).fill_(1);
  return {means, quats, at::full({600, 3}, 0.04), at::full({600}, 0.95),
          rgb_to_sh(at::tensor({color[0], color[1], color[2]}).expand({600, 3}).contiguous())};
}

EvaluationCase ball_case(const std::string& id) {
  ObjectViews views;
  views.id = id;
  views.orbit_views = 4;
  views.cameras = concatenate({orbit_cameras(4, 10, 48), look_at_cameras({30}, {40}, 48)});
  const Rendering rendering = rasterize(ball({0.7F, 0.3F, 0.2F}), views.cameras);
  views.rgba =
      (at::cat({rendering.rgb / rendering.alpha.clamp_min(1e-6), rendering.alpha}, 1).clamp(0, 1) * 255).round().to(at::kByte);
  views.depth = expected_depth(rendering).squeeze(1);
  return make_case(std::move(views), 1);
}

TEST_F(Predictions, GaussiansOfEveryFormatAreThemselves) {
  for (const char* name : {"ball.ply", "ball.splat", "ball.spz", "ball.glb"}) {
    const TemporaryFolder own;
    write_gaussians(own / name, ball({0.7F, 0.3F, 0.2F}));
    const ObjectScores same = evaluate({ball_case("ball")}, {predictions_method(own.path())}).at(0).objects.at(0);
    EXPECT_GT(same.orbit.psnr, 38) << name;  // bytes in the truth's pictures, and 8 bits of colour and rotation in some files
    EXPECT_GT(same.orbit.mask_iou, 0.98) << name;  // SPZ keeps logarithms of scales in steps of 1/16
    EXPECT_LT(same.random.depth_error, 5e-3) << name;
    EXPECT_TRUE(std::isnan(same.geometry.chamfer)) << "no true surface";
    write_gaussians(own / name, ball({0.2F, 0.3F, 0.7F}));
    const ObjectScores blue = evaluate({ball_case("ball")}, {predictions_method(own.path())}).at(0).objects.at(0);
    EXPECT_LT(blue.orbit.psnr, 15) << name;
    EXPECT_EQ(blue.orbit.mask_iou, same.orbit.mask_iou) << name;
    EXPECT_NEAR(blue.orbit.depth_error, same.orbit.depth_error, 1e-6) << name;
  }
}

TEST_F(Predictions, WhatCannotBeScoredIsListedWithAReasonAndTheRestScored) {
  const std::vector<std::string> ids = {"good", "missing", "empty", "nan", "huge", "tiny", "cut", "twice", "flat"};
  std::vector<EvaluationCase> cases;
  for (const std::string& id : ids) cases.push_back(box_case(id));
  write_box(folder / "good.obj", {});
  write_file(folder / "empty.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\n");
  Gaussians broken = ball({1, 0, 0});
  write_gaussians(folder / "nan.splat", broken);
  std::string bytes = read_file(folder / "nan.splat");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + 32 * 5, &nan, sizeof(nan));  // the sixth row's x
  write_file(folder / "nan.splat", bytes);
  for (const auto& [name, scale] : {std::pair{"huge.ply", 100.0}, {"tiny.ply", 0.01}}) {
    Similarity similarity;
    similarity.scale = scale;
    write_gaussians(folder / name, transform(ball({1, 0, 0}), similarity));
  }
  write_gaussians(folder / "cut.spz", ball({1, 0, 0}));
  write_file(folder / "cut.spz", read_file(folder / "cut.spz").substr(0, 100));
  write_box(folder / "twice.obj", {});
  write_gaussians(folder / "twice.ply", ball({1, 0, 0}));
  Box away;
  away.centre = {0, 0, 50};
  write_box(folder / "flat.obj", away);

  const auto results = evaluate(cases, {predictions_method(folder.path()), repeated_input_method()});
  ASSERT_EQ(results[0].objects.size(), 1U);
  EXPECT_EQ(results[0].objects[0].id, "good");
  EXPECT_EQ(results[1].objects.size(), ids.size()) << "other methods score all";
  std::map<std::string, std::string> reasons;
  for (const auto& [id, reason] : results[0].failures) reasons[id] = reason;
  ASSERT_EQ(reasons.size(), ids.size() - 1);
  EXPECT_THAT(reasons["missing"], HasSubstr("no prediction"));
  EXPECT_THAT(reasons["nan"], HasSubstr("not finite"));
  EXPECT_THAT(reasons["empty"], HasSubstr("empty.obj"));
  EXPECT_THAT(reasons["cut"], HasSubstr("cut.spz"));
  EXPECT_THAT(reasons["huge"], AllOf(HasSubstr("longest side is 78.2"), HasSubstr("another scale?")));
  EXPECT_THAT(reasons["tiny"], HasSubstr("another scale?"));
  EXPECT_THAT(reasons["twice"], HasSubstr("two predictions"));
  EXPECT_THAT(reasons["flat"], HasSubstr("nothing of it is seen"));
  const std::string list = failure_list(results);
  for (const auto& [id, reason] : reasons) EXPECT_THAT(list, HasSubstr("- predictions, " + id + ": " + reason)) << id;
  const Json json = evaluation_json({}, results);
  EXPECT_EQ(json["methods"][0]["failures"].size(), ids.size() - 1);
  EXPECT_EQ(json["methods"][1]["difference"]["orbit"]["psnr"]["objects"], 1) << "pairs only what both have";
}

TEST_F(Predictions, AFolderWithoutAnyOfThemIsAnError) {
  EXPECT_THAT(testing::error_of([&] { evaluate({box_case("box")}, {predictions_method(folder.path())}); }),
              HasSubstr("failed on all 1 objects; box: no prediction"));
  EXPECT_THROW(predictions_method(folder / "nowhere"), Error);
}

}  // namespace
}  // namespace gsv3d
