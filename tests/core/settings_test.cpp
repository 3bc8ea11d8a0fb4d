// A setting that is written down once appears in all places: the JSON file and its check, changes by name, the command line and
// its help, the record of a run.
#include "core/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "setting_options.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Json parse_swirl(const std::string& text) {
  Json changes = Json::object();
  if (text == "calm") changes["swirl"] = 0, changes["shape"] = "round";
  if (text == "wild") changes["swirl"] = 500;
  if (changes.empty()) throw UsageError("\"" + text + "\" is neither calm nor wild");
  return changes;
}

std::string descending(const Json& range) {
  return range.size() == 2 && range[0] < range[1] ? "" : "must ascend";
}

/// Settings that nobody has.
struct MadeUp {
  int64_t wobbles = 7;
  double wobble_strength = 0.25;
  std::string form = "round";
  bool glitter = false;
  std::vector<double> band = {1, 2};
  double swirl = 3;
  int64_t inner = 5;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("wobbles", wobbles, Setting{.help = "how often it wobbles", .low = 1, .high = 9});
    visit("wobble_strength", wobble_strength, Setting{.help = "how much", .low = 0, .high = 1});
    visit("form", form, Setting{.help = "of the blob", .choices = {"round", "square"}, .name = "shape"});
    visit("glitter", glitter, Setting{.help = "whether it glitters"});
    visit("band", band, Setting{.help = "LOW:HIGH", .problem = descending});
    visit("swirl", swirl, Setting{.help = "calm or wild", .low = 0, .high = 100, .parse = parse_swirl});
    visit("inner", inner);
  }
};

template <class Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

/// What a command line says of the settings; throws CLI::ParseError.
Json changes_of(const std::string& line) {
  CLI::App app;
  Json changes = Json::object();
  add_setting_options(app, described_settings(MadeUp()), changes);
  app.parse(line);
  return changes;
}

TEST(Settings, AppearInTheJsonFileWithTheirCheck) {
  const auto read = [](const char* text) {
    const auto value = config_from_json<MadeUp>(parse_json(text, "toy.json"), "toy.json");
    check_settings(value, "toy.json");
    return value;
  };
  EXPECT_EQ(read(R"({"wobbles": 9, "form": "square", "glitter": true})").wobbles, 9);
  EXPECT_EQ(message_of([&] { read(R"({"wobbles": 10})"); }), "toy.json.wobbles = 10 is outside 1 … 9");
  EXPECT_EQ(message_of([&] { read(R"({"form": "oval"})"); }), "toy.json.form = \"oval\" is unknown: use one of round, square");
  EXPECT_EQ(message_of([&] { read(R"({"band": [2, 1]})"); }), "toy.json.band = [2.0,1.0] must ascend");
  EXPECT_THAT(message_of([&] { read(R"({"wobbles": "many"})"); }), HasSubstr("toy.json.wobbles: expected a whole number"));
}

TEST(Settings, AreChangedByNameWithTheSameWords) {
  const MadeUp changed = with_settings(MadeUp(), {{"wobbles", 3}, {"shape", "square"}, {"inner", 6}}, "made up");
  EXPECT_EQ(changed.wobbles, 3);
  EXPECT_EQ(changed.form, "square");
  EXPECT_EQ(changed.inner, 6);
  EXPECT_EQ(changed.wobble_strength, 0.25);
  EXPECT_EQ(with_settings(changed, Json(), "made up").wobbles, 3);
  const auto refusal = [](const Json& changes) { return message_of([&] { with_settings(MadeUp(), changes, "made up"); }); };
  EXPECT_EQ(refusal({{"wobbles", 10}}), "made up.wobbles = 10 is outside 1 … 9");
  EXPECT_EQ(refusal({{"shape", "oval"}}), "made up.shape = \"oval\" is unknown: use one of round, square");
  EXPECT_THAT(refusal({{"form", "round"}}), AllOf(HasSubstr("unknown setting \"form\""), HasSubstr("wobble_strength, shape")));
  EXPECT_THAT(refusal({{"wobbles", 2.5}}), HasSubstr("expected a whole number"));
}

TEST(Settings, AreOptionsOfTheCommandLine) {
  EXPECT_EQ(changes_of(""), Json::object());
  EXPECT_EQ(changes_of("--wobbles 4 --wobble-strength 0.5"), (Json{{"wobbles", 4}, {"wobble_strength", 0.5}}));
  EXPECT_EQ(changes_of("--shape square --band 0.3:20"), (Json{{"shape", "square"}, {"band", {0.3, 20.0}}}));
  EXPECT_EQ(changes_of("--glitter")["glitter"], true);
  EXPECT_EQ(changes_of("--no-glitter")["glitter"], false);
  EXPECT_EQ(changes_of("--swirl calm"), (Json{{"swirl", 0}, {"shape", "round"}}));  // one text, two settings
  EXPECT_EQ(message_of([] { changes_of("--wobbles 10"); }), "--wobbles: 10 is outside 1 … 9");
  EXPECT_EQ(message_of([] { changes_of("--shape oval"); }), "--shape: \"oval\" is unknown: use one of round, square");
  EXPECT_EQ(message_of([] { changes_of("--band 2:1"); }), "--band: [2,1] must ascend");
  EXPECT_EQ(message_of([] { changes_of("--swirl wild"); }), "--swirl: 500 is outside 0 … 100");
  for (const char* wrong : {"--wobbles 4.5", "--wobbles x", "--wobble-strength nan", "--wobble-strength inf", "--band 1:x",
                            "--band 1:", "--swirl odd", "--form round", "--inner 3"}) {
    EXPECT_THROW(changes_of(wrong), CLI::ParseError) << wrong;
  }
}

TEST(Settings, AppearInTheHelp) {
  CLI::App app;
  Json changes;
  add_setting_options(app, described_settings(MadeUp()), changes);
  const std::string help = app.help();
  EXPECT_THAT(help, AllOf(HasSubstr("--wobbles"), HasSubstr("1 to 9"), HasSubstr("how often it wobbles (default: the model's)")));
  EXPECT_THAT(help, AllOf(HasSubstr("--shape"), HasSubstr("{round,square}"), HasSubstr("--no-glitter")));
  EXPECT_THAT(help, ::testing::Not(HasSubstr("--inner")));
}

TEST(Settings, AppearInTheRecordByName) {
  const Json record = settings_by_name(MadeUp());
  EXPECT_EQ(record.dump(),
            R"({"wobbles":7,"wobble_strength":0.25,"shape":"round","glitter":false,"band":[1.0,2.0],"swirl":3.0,"inner":5})");
}

}  // namespace
}  // namespace gsv3d
