// gsv3d text as a user runs it: words in, pictures and an object out; hostile words get one line.
#include "image/image.h"
#include "program.h"
#include "toy_text_model.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using testing::expect_one_line;
using ::testing::HasSubstr;

class TextCommand : public testing::CommandTest {
 protected:
  TextCommand() : CommandTest("text --device cpu -o out") {
    testing::initialise_toy_model(folder_ / "toy", 1);
    testing::add_toy_text_model(folder_ / "toy", testing::toy_text_config(), 4);
    testing::initialise_toy_model(folder_ / "few", 1);
    testing::add_toy_text_model(folder_ / "few", testing::toy_text_config({"chair", "red"}), 4);
    testing::initialise_toy_model(folder_ / "none", 1);
  }
  Json record(const std::string& name) const { return read_json_file(folder_ / "out" / name / "result.json"); }
};

TEST_F(TextCommand, WordsBecomeAnObject) {
  const auto result = run("'A red  chair!' --model toy --no-matting --candidates 2 --steps 1 --no-viewer --no-mesh --seed 5");
  ASSERT_EQ(result.code, 0) << result.err;
  for (const char* file : {"picture.png", "candidates.png", "object.ply", "views.png", "result.json"})
    EXPECT_TRUE(fs::exists(folder_ / "out" / "A-red-chair" / file)) << file;
  const Json json = record("A-red-chair");
  EXPECT_EQ(json["text"]["text"], "A red  chair!");
  EXPECT_EQ(json["text"]["candidates"][1]["seed"], 6);
  EXPECT_EQ(json["text"]["settings"]["picture-steps"], 2);
  EXPECT_EQ(json["input"], "picture.png");
  EXPECT_EQ(json["settings"]["steps"], 1);  // of the views
}

TEST_F(TextCommand, PicturesAloneWithAnotherModelsNetworks) {
  const std::string options =
      " --model none --text-model toy --picture-only --no-matting --picture-steps 3 --picture-sampler ddim";
  ASSERT_EQ(run("chair 'red chair' 'red chair'" + options).code, 0);
  for (const char* name : {"chair", "red-chair", "red-chair-2"}) {
    EXPECT_TRUE(fs::exists(folder_ / "out" / name / "picture.png")) << name;
    EXPECT_FALSE(fs::exists(folder_ / "out" / name / "object.ply")) << name;
  }
  EXPECT_EQ(record("chair")["text"]["settings"]["picture-sampler"], "ddim");
  EXPECT_EQ(load_image(folder_ / "out/red-chair/picture.png").pixels, load_image(folder_ / "out/red-chair-2/picture.png").pixels);
  save_png(folder_ / "sketch.png", blank_image(20, 30, 200, 10, 10));
  ASSERT_EQ(run("chair --sketch sketch.png --strength 0.5" + options).code, 0);
  EXPECT_EQ(record("chair")["text"]["settings"]["strength"], 0.5);
}

TEST_F(TextCommand, HostileWordsGetOneLineOrAPicture) {
  const std::string toy = " --model toy --picture-only --no-matting", few = " --model few --picture-only --no-matting";
  for (const char* empty : {"''", "'   '", "\"$(printf '\\001\\002')\""})
    expect_one_line(run(empty + toy), 2, "the text is empty");
  expect_one_line(run("\"$(head -c 100001 /dev/zero | tr '\\0' x)\"" + toy), 2, "at most 100000");
  for (const char* odd : {"\"$(head -c 10000 /dev/zero | tr '\\0' x)\"", "'🙂🪑'", "'красное кресло'", "'(red:1.3) [chair]'",
                          "\"$(printf 'a\\001\\033[31m\\377')\"", "'&lt;script&gt;'"}) {
    const auto result = run(odd + toy);
    EXPECT_EQ(result.code, 0) << odd << result.err;
    expect_one_line(run(odd + few), 2, std::string(odd).find("🙂") != std::string::npos ? "holds no word" : "this model knows");
  }
  EXPECT_FALSE(fs::exists(folder_ / "out" / "x.part"));
  expect_one_line(run("'red chiar'" + few), 2, "\"chiar\" (nearest: chair");
}

TEST_F(TextCommand, WrongCallsAreSaidBeforeAnyWork) {
  expect_one_line(run("chair --model none"), 1, "--text-model");
  expect_one_line(run("chair --model toy --candidates 0"), 2, "--candidates");
  expect_one_line(run("chair --model toy --strength 0.5"), 2, "--sketch");
  expect_one_line(run("chair --model toy --picture-guidance 1 --negative dark"), 2, "needs guidance");
  expect_one_line(run("chair --model toy --picture-sampler magic"), 2, "magic");
  expect_one_line(run(""), 2, "text");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

}  // namespace
}  // namespace gsv3d
