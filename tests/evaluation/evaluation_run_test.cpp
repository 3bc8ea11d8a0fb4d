// Whole evaluations of a small tree of scanned objects: the truth as a prediction is ideal; sharing the work, breaking it off and
// going on give the same bytes as one run; what is malformed is listed.
#include "evaluation/evaluation_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/csv.h"
#include "core/error.h"
#include "evaluation/baselines.h"
#include "evaluation/predictions.h"
#include "evaluation/report_folder.h"
#include "image/image.h"
#include "memory_files.h"
#include "zip_bytes.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// A closed box whose sides are seen in six colours of a texture. Its OBJ in our world, normalised (longest diagonal half 0.57),
/// or as a Gazebo model: other scale and place, z up, front to -y.
struct Box {
  std::array<double, 3> sides;
  bool gazebo;

  std::string obj(const std::string& library) const {
    const double diagonal = std::hypot(sides[0], sides[1], sides[2]), scale = 2 * 0.57 / diagonal;
    std::string text = "mtllib " + library + "\nusemtl paint\n";
    for (int corner = 0; corner < 8; ++corner) {
      std::array<double, 3> p;
      for (int axis = 0; axis < 3; ++axis) p[axis] = scale * sides[axis] * ((corner >> axis & 1) - 0.5);
      if (gazebo) p = {0.2 * p[0] + 3, -0.2 * p[2] - 1, 0.2 * p[1] + 0.5};
      text += fmt::format("v {:.9f} {:.9f} {:.9f}\n", p[0], p[1], p[2]);
    }
    for (int side = 0; side < 6; ++side) text += fmt::format("vt {} 0.5\n", (side + 0.5) / 6);
    const int faces[6][4] = {{1, 3, 4, 2}, {5, 6, 8, 7}, {1, 2, 6, 5}, {3, 7, 8, 4}, {1, 5, 7, 3}, {2, 4, 8, 6}};
    for (int side = 0; side < 6; ++side) {
      const auto& [a, b, c, d] = faces[side];
      text += fmt::format("f {0}/{4} {1}/{4} {2}/{4}\nf {0}/{4} {2}/{4} {3}/{4}\n", a, b, c, d, side + 1);
    }
    return text;
  }
};

/// Six patches of 16 x 16 pixels side by side.
std::string six_colors() {
  Image image = blank_image(96, 16, 0, 0, 0);
  for (int64_t y = 0; y < 16; ++y)
    for (int64_t x = 0; x < 96; ++x) {
      const int64_t side = x / 16;
      image.at(x, y)[0] = side % 2 == 0 ? 220 : 40;
      image.at(x, y)[1] = side % 3 == 0 ? 200 : 60;
      image.at(x, y)[2] = static_cast<uint8_t>(40 * side);
    }
  return encode_png(image);
}

const char* const kMaterial = "newmtl paint\nKd 1 1 1\nmap_Kd texture.png\n";
const std::vector<std::pair<std::string, std::array<double, 3>>> kObjects = {
    {"Box", {0.7, 0.5, 0.6}}, {"Crate", {0.9, 0.4, 0.5}}, {"Tower", {0.4, 0.8, 0.35}}, {"Plank", {0.9, 0.2, 0.6}}};

using Members = std::vector<std::pair<std::string, std::string>>;

/// A Google Scanned Object as it is distributed.
Members scanned_object(const std::array<double, 3>& sides) {
  return {{"meshes/model.obj", Box{sides, true}.obj("model.mtl")},
          {"meshes/model.mtl", kMaterial},
          {"materials/textures/texture.png", six_colors()}};
}

class EvaluationRun : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [id, sides] : kObjects) {
      for (const auto& [name, bytes] : scanned_object(sides)) write_file(folder / "scans" / id / name, bytes);
      write_file(folder / "truth" / (id + ".obj"), Box{sides, false}.obj(id + ".mtl"));
      write_file(folder / "truth" / (id + ".mtl"), kMaterial);
    }
    write_file(folder / "truth" / "texture.png", six_colors());
    if (testing::lacks_library([&] {
          CaseSelection selection;
          selection.dataset = folder / "scans/Box";
          selection.view_size = 16;
          load_cases(selection);
        }))
      GTEST_SKIP() << "built without Embree";
  }

  /// The protocol of Google Scanned Objects, small, on the truth as predictions, and with a baseline.
  EvaluationJob job(const std::string& out, const std::string& dataset = "scans") const {
    EvaluationJob result;
    result.selection.dataset = folder / dataset;
    result.selection.protocol = protocol_from_name("gso");
    result.selection.protocol.orbit_views = 5;
    result.selection.view_size = 32;
    result.extras.points = result.selection.protocol.points;
    result.settings.model_name = "predictions";
    if (!out.empty()) result.out = folder / out;
    result.methods = [this](const std::vector<EvaluationCase>&) {
      return std::vector<Method>{predictions_method(folder / "truth"), billboard_method()};
    };
    result.prediction_file = [this](const std::string& id) { return prediction_file(folder / "truth", id); };
    return result;
  }

  std::string csv(const std::string& out) const { return read_file(folder / out / "scores.csv"); }

  const TemporaryFolder folder;
};

TEST_F(EvaluationRun, TruthOfAScannedTreeAsPredictionIsIdealInEveryColumn) {
  const EvaluationOutcome outcome = run_evaluation(job("report"));
  ASSERT_TRUE(outcome.content);
  const MethodScores& truth = outcome.content->methods.at(0);
  ASSERT_EQ(truth.objects.size(), kObjects.size());
  EXPECT_TRUE(truth.failures.empty());
  std::set<double> elevations;
  for (const ObjectScores& object : truth.objects) {
    for (const ScoreColumn& column : score_columns()) {
      const double value = column.of(object);
      if (column.group == "random" || column.group == "views" || (column.on_demand && column.group != "sparse")) {
        EXPECT_TRUE(std::isnan(value)) << column.group << " " << column.name;
        continue;
      }
      // The scan is read from another place and scale: colours at edges differ by a step of 1/255 at most; stored depths are
      // steps of 2e-5.
      const double ideal = column.higher_is_better ? 1 : 0;
      if (column.name == "psnr")
        EXPECT_GT(value, 55) << object.id;
      else
        EXPECT_NEAR(value, ideal, column.name == "depth_error" ? 1e-4 : 1e-3)
            << object.id << " " << column.group << " " << column.name;
    }
    EXPECT_GE(object.elevation_degrees, -5);
    EXPECT_LE(object.elevation_degrees, 30);
    elevations.insert(object.elevation_degrees);
  }
  EXPECT_EQ(elevations.size(), kObjects.size()) << "each object has its own";
  EXPECT_LT(outcome.content->methods.at(1).objects.at(0).orbit.psnr, 30) << "a billboard is not the truth";

  auto rows = read_csv(folder / "report/scores.csv");
  ASSERT_EQ(rows.size(), 2 * kObjects.size());
  for (auto& row : rows)
    EXPECT_THAT(row["conditions"],
                AllOf(HasSubstr("32 x 32 px; over white; longest side 1; alignment none; gso: an orbit of 5 views "
                                "at an elevation drawn per object from -5 to 30 degrees, input its first view, "
                                "0 random views"),
                      HasSubstr("sparse: 4096 points")));
  EXPECT_THAT(read_file(folder / "report/report.html"), HasSubstr("32 x 32 px; over white"));
  EXPECT_THAT(read_file(folder / "report/rows.tex"), HasSubstr("% 32 x 32 px; over white"));
  EXPECT_THAT(read_json_file(folder / "report/evaluation.json")["conditions"].get<std::string>(), HasSubstr("drawn per object"));
}

TEST_F(EvaluationRun, ArchivesAreTheSameObjects) {
  for (const auto& [id, sides] : kObjects) write_file(folder / "zips" / (id + ".zip"), testing::zip_bytes(scanned_object(sides)));
  if (testing::lacks_library([&] { open_zip(folder / "zips/Box.zip"); })) GTEST_SKIP() << "built without libzip";
  run_evaluation(job("report"));
  run_evaluation(job("from_zips", "zips"));
  EXPECT_EQ(csv("from_zips"), csv("report"));
}

TEST_F(EvaluationRun, SharedWorkIsOneRunByteForByte) {
  run_evaluation(job("one"));
  EvaluationJob part = job("shared");
  part.shard = {1, 2};
  const EvaluationOutcome first = run_evaluation(part);
  EXPECT_FALSE(first.content) << "two objects are missing";
  EXPECT_EQ(first.missing, 2);
  EXPECT_FALSE(fs::exists(folder / "shared/scores.csv"));
  part.shard = {0, 2};
  EXPECT_TRUE(run_evaluation(part).content) << "the last one makes the report";
  EXPECT_EQ(csv("shared"), csv("one"));
  fs::remove(folder / "shared/scores.csv");
  EXPECT_TRUE(merge_evaluation(folder / "shared").content);
  EXPECT_EQ(csv("shared"), csv("one"));

  EvaluationJob unfinished = job("unfinished");
  unfinished.shard = {1, 4};
  run_evaluation(unfinished);
  const EvaluationOutcome merged = merge_evaluation(folder / "unfinished");
  EXPECT_EQ(merged.missing, 3);
  EXPECT_EQ(merged.content->methods.at(0).objects.size(), 1U);
  EXPECT_EQ(merged.content->methods.at(0).failures.at(0).reason, "not scored yet");
  EXPECT_THAT(error_of([&] { merge_evaluation(folder / "nowhere"); }), HasSubstr("no evaluation was begun here"));
}

TEST_F(EvaluationRun, ABrokenOffRunGoesOnWhereItWas) {
  run_evaluation(job("unbroken"));
  int predicted = 0;
  bool breaks = true;
  EvaluationJob broken = job("broken");
  broken.methods = [&](const std::vector<EvaluationCase>& cases) {
    std::vector<Method> methods = job("").methods(cases);
    methods[0].predict = [&, inner = methods[0].predict](const EvaluationCase& object, const Cameras& targets) {
      if (++predicted == 3 && breaks) request_cancel();
      throw_if_cancelled();
      return inner(object, targets);
    };
    return methods;
  };
  EXPECT_THROW(run_evaluation(broken), Cancelled);
  clear_cancel();
  EXPECT_FALSE(fs::exists(folder / "broken/scores.csv"));
  size_t parts = 0;
  for (const auto& entry : fs::directory_iterator(folder / "broken/parts")) parts += entry.path().extension() == ".json" ? 1 : 0;
  EXPECT_EQ(parts, 2U);
  breaks = false;
  predicted = 0;
  EXPECT_TRUE(run_evaluation(broken).content);
  EXPECT_EQ(predicted, 2) << "two of four were scored before";
  EXPECT_EQ(csv("broken"), csv("unbroken"));
  predicted = 0;
  EXPECT_TRUE(run_evaluation(broken).content);
  EXPECT_EQ(predicted, 0) << "nothing is left";
}

TEST_F(EvaluationRun, AChangedPredictionIsScoredAgainAndAnotherEvaluationRefused) {
  EvaluationJob first = job("report");
  run_evaluation(first);
  const std::string before = csv("report");
  write_file(folder / "truth/Box.obj", Box{{0.5, 0.7, 0.6}, false}.obj("Box.mtl") + "# changed\n");
  run_evaluation(first);
  const std::string after = csv("report");
  EXPECT_NE(after.substr(0, after.find("\npredictions,Crate")), before.substr(0, before.find("\npredictions,Crate")));
  EXPECT_EQ(after.substr(after.find("\npredictions,Crate")), before.substr(before.find("\npredictions,Crate")));

  EvaluationJob other = job("report");
  other.selection.seed = 7;
  EXPECT_THAT(error_of([&] { run_evaluation(other); }),
              HasSubstr("belongs to another evaluation: settings.seed is 1 there, 7 here"));
  EXPECT_EQ(csv("report"), after);
  ReportFolder::clear(folder / "report");
  EXPECT_TRUE(run_evaluation(other).content);
}

TEST_F(EvaluationRun, MalformedObjectsAreListedAndTheRestIsScored) {
  write_file(folder / "scans/Empty/meshes/model.obj", "v 0 0 0\n");
  write_file(folder / "scans/Far/meshes/model.obj", "v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n");
  write_file(folder / "scans/Flat/meshes/model.obj", "v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n");
  const EvaluationOutcome outcome = run_evaluation(job("report"));
  ASSERT_TRUE(outcome.content);
  for (const MethodScores& method : outcome.content->methods) {
    EXPECT_EQ(method.objects.size(), kObjects.size()) << method.name;
    std::vector<std::string> ids;
    for (const FailedObject& failed : method.failures) {
      ids.push_back(failed.id);
      EXPECT_THAT(failed.reason, HasSubstr("meshes/model.obj")) << failed.id;
    }
    EXPECT_THAT(ids, ElementsAre("Empty", "Far", "Flat")) << method.name;
  }
  EXPECT_THAT(read_file(folder / "report/evaluation.md"), HasSubstr("- predictions, Empty: "));
  // Mended ones are scored by the next run, the others are not scored again.
  for (const auto& [name, bytes] : scanned_object({0.5, 0.5, 0.5})) write_file(folder / "scans/Empty" / name, bytes);
  const EvaluationOutcome again = run_evaluation(job("report"));
  EXPECT_EQ(again.content->methods.at(1).objects.size(), kObjects.size() + 1);
  EXPECT_EQ(again.content->methods.at(0).failures.size(), 3U) << "nobody predicted it";
}

TEST_F(EvaluationRun, ObjectsAreChosenByUidOrDrawnByTheSeed) {
  CaseSelection selection;
  selection.dataset = folder / "scans";
  selection.uids = folder / "uids.txt";
  write_file(selection.uids, "# the paper's\nTower\n\nBox  # again below\nMissing\nBox\n");
  const CasePlan plan = plan_cases(selection);
  EXPECT_THAT(plan.ids, ElementsAre("Tower", "Box", "Missing"));
  const LoadedCases loaded = load_planned(selection, plan, {0, 1, 2});
  ASSERT_EQ(loaded.cases.size(), 2U);
  ASSERT_EQ(loaded.failures.size(), 1U);
  EXPECT_THAT(loaded.failures[0].reason, HasSubstr("no such object in"));
  write_file(selection.uids, "[\"Plank\", \"Crate\"]");
  EXPECT_THAT(plan_cases(selection).ids, ElementsAre("Plank", "Crate"));
  write_file(selection.uids, "# none\n");
  EXPECT_THAT(error_of([&] { plan_cases(selection); }), HasSubstr("names no objects"));

  selection.uids.clear();
  selection.protocol.random_objects = 2;
  std::set<std::string> seen;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    selection.seed = seed;
    const auto ids = plan_cases(selection).ids;
    ASSERT_EQ(ids.size(), 2U);
    EXPECT_EQ(ids, plan_cases(selection).ids);
    seen.insert(ids[0] + "+" + ids[1]);
  }
  EXPECT_GE(seen.size(), 5U) << "of six pairs, twenty draws miss most of them with a chance below 1e-4";
}

TEST_F(EvaluationRun, AnInputOfItsOwnElevationLeavesTheWholeOrbitToBeScored) {
  CaseSelection selection;
  selection.dataset = folder / "scans/Box";
  selection.view_size = 32;
  selection.protocol.input_elevation_degrees = 25;
  selection.protocol.orbit_elevation_degrees = -5;
  selection.protocol.random_views = 3;
  const CasePlan plan = plan_cases(selection);
  EXPECT_EQ(plan.orbit_views, 21);
  EXPECT_EQ(plan.random_views, 3);
  const EvaluationCase object = load_cases(selection).at(0);
  EXPECT_EQ(object.elevation_degrees(), 25);
  EXPECT_EQ(object.truth.rgba.size(0), 1 + 21 + 3);
  const Tensor heights = object.truth.cameras.positions().select(1, 1);
  EXPECT_NEAR(heights[0].item<double>(), 2 * std::sin(25 * M_PI / 180), 1e-5);
  for (const int64_t view : {1, 11, 21}) EXPECT_NEAR(heights[view].item<double>(), -2 * std::sin(5 * M_PI / 180), 1e-5) << view;
  EXPECT_FALSE(at::equal(object.truth.rgba[0], object.truth.rgba[1])) << "the input is another view than the orbit's first";
  const ViewSet input = true_views(object.truth, 0, 1);
  EXPECT_TRUE(at::equal(object.input_rgb, input.rgb));
}

TEST(WorkShard, IsReadAsIOfN) {
  EXPECT_EQ(parse_shard("2/3").index, 2);
  EXPECT_EQ(parse_shard("2/3").count, 3);
  for (const char* text : {"", "1", "3/3", "-1/3", "a/3", "1/", "1/2/3", "0/0"})
    EXPECT_THROW(parse_shard(text), UsageError) << text;
}

TEST(EvaluationProtocols, AreWhatTheyAreCalled) {
  const EvaluationProtocol gso = protocol_from_name("gso"), val = protocol_from_name("val");
  EXPECT_EQ(gso.random_objects, 100);
  EXPECT_EQ(gso.orbit_views, 21);
  EXPECT_EQ(gso.points, 4096);
  EXPECT_FALSE(gso.orbit_elevation_degrees);
  EXPECT_EQ(val.split, "val");
  EXPECT_EQ(val.orbit_elevation_degrees, 10);
  EXPECT_THROW(protocol_from_name("mine"), UsageError);
}

}  // namespace
}  // namespace gsv3d
