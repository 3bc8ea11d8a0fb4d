#include "core/spelling.h"

#include <gtest/gtest.h>

namespace gsv3d {
namespace {

TEST(Spelling, FindsTheNearestWord) {
  const std::vector<std::string> known = {"generate", "convert", "render", "mesh", "fit", "learning_rate"};
  EXPECT_EQ(nearest_word("generte", known), "generate");   // one letter missing
  EXPECT_EQ(nearest_word("geenrate", known), "generate");  // two swapped
  EXPECT_EQ(nearest_word("Render", known), "render");
  EXPECT_EQ(nearest_word("learningrate", known), "learning_rate");
  EXPECT_EQ(nearest_word("lerning-rate", known), "learning_rate");
  EXPECT_EQ(nearest_word("git", known), "fit");
  EXPECT_EQ(nearest_word("fly", known), "");
  EXPECT_EQ(nearest_word("import", known), "") << "four of six letters would be others";
  EXPECT_EQ(nearest_word("", known), "");
  EXPECT_EQ(nearest_word("generte", {}), "");
}

TEST(Spelling, IsTheEndOfAMessage) {
  EXPECT_EQ(did_you_mean("mseh", {"mesh", "fit"}), ", did you mean \"mesh\"?");
  EXPECT_EQ(did_you_mean("teapot", {"mesh", "fit"}), "");
}

}  // namespace
}  // namespace gsv3d
