// gsv3d eval as a user runs it on predictions of another program: no model is needed, everything is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config.h"
#include "program.h"
#include "toy_model.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using testing::expect_one_line;
using ::testing::HasSubstr;
using testing::ProgramResult;

class Eval : public testing::CommandTest {
 protected:
  Eval() : CommandTest("eval --device cpu --dataset objects --quiet") {}
  void SetUp() override {
    // A tetrahedron that is normalised already: its box has a side of 0.6 around the origin.
    const std::string object =
        "v -0.3 -0.3 -0.3\nv 0.3 0.3 -0.3\nv 0.3 -0.3 0.3\nv -0.3 0.3 0.3\nf 1 2 3\nf 1 3 4\nf 1 4 2\nf 2 4 3\n";
    for (const char* name : {"objects/one.obj", "objects/two.obj", "theirs/one.obj"}) put(name, scaled(object));
  }
  /// Normalising scales by 0.57 over the largest distance from the centre, 0.3 √3.
  static std::string scaled(std::string text) {
    const std::string to = "0.3290896";
    for (size_t at = text.find("0.3"); at != std::string::npos; at = text.find("0.3", at + to.size())) text.replace(at, 3, to);
    return text;
  }
};

TEST_F(Eval, PredictionsAreScoredWithoutAModelAndWhatIsMissingIsListed) {
  const ProgramResult result = run("--predictions theirs --out report");
  if (result.err.find("Embree") != std::string::npos) GTEST_SKIP() << "built without Embree";
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("| predictions | 100.00 |"), HasSubstr("- predictions, two: no prediction"),
                    HasSubstr("Difference to \"predictions\""), HasSubstr("Split: unknown."),
                    HasSubstr("own: an orbit of 21 views at an elevation of 10 degrees, input its first view, 8 random"),
                    HasSubstr("Needs weights, so not scored: LPIPS (Alex) (--weights lpips-alex=FILE)")));
  const Json json = read_json_file(folder_ / "report" / "evaluation.json");
  EXPECT_NEAR(json["methods"][0]["geometry"]["mean"]["chamfer"].get<double>(), 0, 1e-5);
  EXPECT_EQ(json["methods"][0]["geometry"]["mean"]["f_score_1"], 1);
  EXPECT_EQ(json["settings"]["model"], "");
  for (const char* file : {"report.html", "scores.csv", "rows.tex", "evaluation.md", "sheets/one.png"})
    EXPECT_TRUE(std::filesystem::exists(folder_ / "report" / file)) << file;
}

TEST_F(Eval, BaselinesAreChosenAndEvaluationsCompared) {
  const ProgramResult result = run("--predictions theirs --baselines billboard,hull-true --json a.json");
  if (result.err.find("Embree") != std::string::npos) GTEST_SKIP() << "built without Embree";
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = read_json_file(folder_ / "a.json");
  ASSERT_EQ(json["methods"].size(), 3U);
  EXPECT_EQ(json["methods"][1]["name"], "billboard");
  EXPECT_EQ(json["methods"][2]["name"], "hull of true views");
  EXPECT_GT(json["methods"][2]["orbit"]["mean"]["mask_iou"].get<double>(), 0.8);
  const ProgramResult same = testing::run_program(folder_.path(), "eval --method billboard --compare one=a.json other=a.json");
  ASSERT_EQ(same.code, 0) << same.err;
  EXPECT_THAT(same.out, AllOf(HasSubstr("Difference to \"one\""), HasSubstr("| other | orbit PSNR, dB |"),
                              HasSubstr("+0.00 ± 0.00 [+0.00, +0.00] | +0.00 | withheld: one run |")));
  expect_one_line(testing::run_program(folder_.path(), "eval --compare a.json"), 1, "at least two evaluations");
  expect_one_line(testing::run_program(folder_.path(), "eval"), 2, "--dataset is required");
}

TEST_F(Eval, ProcessesShareOneFolderAtOnce) {
  const std::string object = read_file(folder_ / "theirs/one.obj");
  for (const char* name : {"objects/three.obj", "theirs/two.obj", "theirs/three.obj"}) put(name, object);
  const std::string arguments = "--predictions theirs --protocol gso --random-views 2 --view-size 32 --baselines none ";
  const ProgramResult one = run(arguments + "--out one");
  if (one.err.find("Embree") != std::string::npos) GTEST_SKIP() << "built without Embree";
  ASSERT_EQ(one.code, 0) << one.err;
  // Both begin with an empty folder; the shell waits for both.
  const std::string other = testing::program_path() + " eval --device cpu --dataset objects --quiet " + arguments;
  const ProgramResult both = run(arguments + "--out shared --shard 0/2 & " + other + "--out shared --shard 1/2; wait");
  ASSERT_EQ(both.code, 0) << both.err;
  EXPECT_EQ(read_file(folder_ / "shared/scores.csv"), read_file(folder_ / "one/scores.csv"));
  EXPECT_THAT(read_file(folder_ / "one/scores.csv"), HasSubstr("gso: an orbit of 21 views"));

  const ProgramResult third = run(arguments + "--out thirds --shard 2/3");
  EXPECT_THAT(third.out, HasSubstr("1 of 3 objects are scored"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "thirds/report.html"));
  const ProgramResult merged = testing::run_program(folder_.path(), "eval --merge --out thirds");
  ASSERT_EQ(merged.code, 0) << merged.err;
  EXPECT_THAT(merged.out, HasSubstr("- predictions, one: not scored yet"));
  expect_one_line(run(arguments + "--out thirds --seed 2"), 1, "belongs to another evaluation: settings.seed");
  ASSERT_EQ(run(arguments + "--out thirds --seed 2 --restart").code, 0);
}

TEST_F(Eval, OtherModelsAreRowsOfTheSameReport) {
  testing::initialise_toy_model(folder_ / "toy", 1);
  ModelConfig config = testing::toy_config();
  config.gaussian_decoder.triplane = TriplaneConfig{.side = 4, .point_tokens = 8, .points_per_token = 4};
  initialise_model(folder_ / "triplanes", config, 2);
  config.image_size = 64;
  initialise_model(folder_ / "large", config, 2);
  const std::string start = "--model toy --limit 1 --random-views 0 --baselines none --rows 'pipeline, not refined' ";
  const std::string arguments = start + "--beside 'one picture=triplanes' --beside again=toy ";
  const ProgramResult result = run(arguments + "--out report");
  if (result.err.find("Embree") != std::string::npos) GTEST_SKIP() << "built without Embree";
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = read_json_file(folder_ / "report/evaluation.json");
  ASSERT_EQ(json["methods"].size(), 3U);
  EXPECT_EQ(json["methods"][0]["name"], "pipeline, not refined");
  EXPECT_EQ(json["methods"][1]["name"], "one picture");
  EXPECT_EQ(json["settings"]["beside"], Json({"one picture=triplanes", "again=toy"}));
  const auto psnr = [&](size_t row) { return json["methods"][row]["orbit"]["mean"]["psnr"].get<double>(); };
  EXPECT_EQ(psnr(2), psnr(0)) << "the same model under another name";
  EXPECT_GT(std::abs(psnr(1) - psnr(0)), 1e-3);
  EXPECT_THAT(result.out, HasSubstr("| again | +0.00 | +0.000 |"));

  expect_one_line(run(start + "--beside toy"), 2, "expected NAME=MODEL_FOLDER");
  expect_one_line(run(start + "--beside a=toy --beside a=triplanes"), 2, "two models are called \"a\"");
  expect_one_line(run(start + "--beside 'pipeline, not refined=toy'"), 2, "the name of another row");
  expect_one_line(run(start + "--beside a=large"), 1, "works on views of 64 pixels, toy on 32");
  expect_one_line(run(start + "--beside a=nowhere"), 1, "nowhere");
  expect_one_line(run("--model toy --rows pipelines"), 2, "there are \"pipeline\", \"pipeline, no photo surface\"");
  expect_one_line(run("--predictions theirs --beside a=toy"), 2, "without --model");
}

TEST_F(Eval, WrongOptionsAreOneLine) {
  expect_one_line(run("--predictions theirs --protocol imagenet"), 2, "imagenet");
  expect_one_line(run("--predictions theirs --shard 0/2"), 2, "--out");
  expect_one_line(run("--predictions theirs --out r --shard 2/2"), 2, "expected i/n");
  expect_one_line(run("--predictions theirs --protocol test"), 1, "is a split file given?");
  expect_one_line(run("--predictions theirs --uids nowhere.txt"), 2, "nowhere.txt");
  expect_one_line(testing::run_program(folder_.path(), "eval --merge"), 2, "--merge needs");
  expect_one_line(testing::run_program(folder_.path(), "eval --merge --out r"), 1, "no evaluation was begun here");

  expect_one_line(run("--predictions nowhere"), 1, "nowhere: no folder of predictions");
  expect_one_line(run("--predictions theirs --recolor"), 2, "without --recolor");
  expect_one_line(run("--predictions theirs --weights lpips=a.safetensors"), 2, "KIND one of lpips-alex, lpips-vgg, clip");
  expect_one_line(run("--predictions theirs --weights clip-iqa=a.safetensors"), 2, "--weights clip=FILE");
  expect_one_line(run("--predictions theirs --weights dino=nowhere.safetensors"), 1, "nowhere.safetensors");
  expect_one_line(run("--predictions theirs --align sideways"), 2, "sideways");
  expect_one_line(run("--predictions theirs --baselines hulls"), 2, "nobody knows \"hulls\"");
  expect_one_line(run("--predictions theirs --baselines nearest"), 2, "needs --train-dataset");
}

}  // namespace
}  // namespace gsv3d
