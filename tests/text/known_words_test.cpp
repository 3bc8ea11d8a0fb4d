// The tokenizer of whole words: what it knows, what it ignores, and what it says of the rest.
#include "text/known_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/spelling.h"
#include "errors.h"

namespace gsv3d {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const KnownWords& words() {
  static const KnownWords known({{"armchair", "chair", "red", "table"}, {"a", "the"}});
  return known;
}

TEST(KnownWords, IdsAreThePlacesInTheList) {
  EXPECT_EQ(words().encode("A Red CHAIR, the table!"), (TokenIds{3, 2, 4}));
  EXPECT_EQ(words().encode(""), TokenIds());
  EXPECT_EQ(words().framed({3, 2}, 4), (TokenIds{3, 2, 0, 0}));
  EXPECT_EQ(words().framed({3, 2, 4}, 2), (TokenIds{3, 2}));
  EXPECT_EQ(words().vocabulary_size(), 5);
}

TEST(KnownWords, UnknownOnesAreNamedWithTheNearest) {
  const std::string message = testing::error_of([] { words().encode("a red chiar and a spaceship and a chiar"); });
  EXPECT_THAT(message, AllOf(HasSubstr("knows 4 words"), HasSubstr("\"chiar\" (nearest: chair"), HasSubstr("\"spaceship\""),
                             HasSubstr("\"and\""), Not(HasSubstr("\n"))));
}

TEST(KnownWords, HostilePromptsGetOneShortLine) {
  for (const std::string& prompt : {std::string(10'000, 'x'), std::string("\xff\xfe chair \x01"), std::string("кресло"),
                                    std::string("(red:1.3)"), std::string("🙂 chairs")}) {
    const std::string message = testing::error_of([&] { words().encode(prompt); });
    EXPECT_LT(message.size(), 600u) << prompt.substr(0, 20);
    EXPECT_THAT(message, Not(HasSubstr("\n")));
  }
  EXPECT_EQ(testing::error_of([] { words().encode("🙂 \x01 chair"); }), "");  // signs are no words
  EXPECT_THAT(testing::error_of([] { words().encode("(red:1.3)"); }), HasSubstr("\"1\""));
}

TEST(KnownWords, NoWordTwice) {
  EXPECT_THAT(testing::error_of([] { KnownWords({{"a", "b", "a"}, {}}); }), HasSubstr("\"a\" is in it twice"));
}

TEST(NearWords, ByDistanceThenCommonBeginningThenOrder) {
  EXPECT_EQ(nearest_words("chairs", {"table", "hairs", "chair", "stairs"}, 3),
            (std::vector<std::string>{"chair", "hairs", "stairs"}));
  EXPECT_EQ(nearest_words("x", {}, 3), std::vector<std::string>());
}

}  // namespace
}  // namespace gsv3d
