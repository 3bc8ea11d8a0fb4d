// Strict configuration: every mistake is named with its place.
#include "core/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gsv3d {
namespace {

struct Inner {
  double rate = 0.5;
  std::optional<std::string> label;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("rate", rate), visit("label", label);
  }
};
struct Outer {
  int64_t count = 3;
  bool flag = false;
  std::vector<int64_t> widths = {1, 2};
  std::vector<Inner> inner;
  std::map<std::string, double> weights;
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("count", count), visit("flag", flag), visit("widths", widths), visit("inner", inner), visit("weights", weights);
  }
};

std::string refusal(const char* text) {
  try {
    config_from_json<Outer>(Json::parse(text), "c");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Config, ReadsAndKeepsDefaults) {
  const auto outer =
      config_from_json<Outer>(Json::parse(R"({"flag":true,"inner":[{"rate":2,"label":"x"},{}],"weights":{"a":1.5}})"), "c");
  EXPECT_EQ(outer.count, 3);
  EXPECT_TRUE(outer.flag);
  ASSERT_EQ(outer.inner.size(), 2u);
  EXPECT_EQ(outer.inner[0].rate, 2.0);
  EXPECT_EQ(outer.inner[0].label, "x");
  EXPECT_FALSE(outer.inner[1].label.has_value());
  EXPECT_EQ(outer.weights.at("a"), 1.5);
}

TEST(Config, RoundTrips) {
  Outer outer;
  outer.widths = {4, 5, 6};
  outer.inner.push_back({0.25, "y"});
  const Json json = config_to_json(outer);
  EXPECT_EQ(config_to_json(config_from_json<Outer>(json, "c")), json);
}

TEST(Config, NamesEveryMistakeAndItsPlace) {
  EXPECT_EQ(refusal(R"({"cuont":1})"), "c: unknown key \"cuont\", did you mean \"count\"?");
  EXPECT_EQ(refusal(R"({"Flags":1})"), "c: unknown key \"Flags\", did you mean \"flag\"?");
  EXPECT_EQ(refusal(R"({"inner":[{},{"lr":1}]})"), "c.inner[1]: unknown key \"lr\"");
  EXPECT_EQ(refusal(R"({"count":1.5})"), "c.count: expected a whole number, found 1.5");
  EXPECT_EQ(refusal(R"({"count":"1"})"), "c.count: expected a whole number, found \"1\"");
  EXPECT_EQ(refusal(R"({"flag":1})"), "c.flag: expected true or false, found number");
  EXPECT_EQ(refusal(R"({"widths":3})"), "c.widths: expected an array, found number");
  EXPECT_EQ(refusal(R"([1])"), "c: expected an object, found array");
}

}  // namespace
}  // namespace gsv3d
