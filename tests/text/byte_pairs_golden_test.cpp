// The tokenizer against open_clip's ids. The vocabulary is not in the repository: GSV3D_CLIP_VOCABULARY names it, or it is where
// scripts/test_tools.sh puts it, .deps/open_clip/bpe_simple_vocab_16e6.txt.gz.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "errors.h"
#include "goldens.h"
#include "temporary_folder.h"
#include "text/byte_pairs.h"
#include "text/prompt_cleaning.h"
#include "text/unicode.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

fs::path vocabulary() {
  if (const char* given = std::getenv("GSV3D_CLIP_VOCABULARY")) return given;
  return fs::path(GSV3D_SOURCE_DIR) / ".deps" / "open_clip" / "bpe_simple_vocab_16e6.txt.gz";
}

const BytePairs& clip_tokenizer() {
  static const BytePairs tokenizer(read_merges(vocabulary()));
  return tokenizer;
}

#define GSV3D_VOCABULARY_OR_SKIP() \
  if (!fs::exists(vocabulary())) GTEST_SKIP() << "no vocabulary " << vocabulary() << " (scripts/test_tools.sh, GSV3D_CLIP_VOCABULARY)"

TEST(BytePairsGolden, IdsOfEveryPrompt) {
  GSV3D_VOCABULARY_OR_SKIP();
  GSV3D_GOLDEN_OR_SKIP(prompts, "text/tokenizer.json");
  GSV3D_GOLDEN_OR_SKIP(tensors, "text/tokenizer.golden.safetensors");
  const Json json = read_json_file(prompts);
  const Tensor framed = read_safetensors(tensors).at("tokens77").to(at::kLong);
  EXPECT_EQ(clip_tokenizer().vocabulary_size(), json["info"]["vocab_size"].get<int64_t>());
  EXPECT_EQ(clip_tokenizer().start(), json["info"]["sot"].get<int64_t>());
  EXPECT_EQ(clip_tokenizer().end(), json["info"]["eot"].get<int64_t>());
  int64_t row = 0;
  for (const Json& entry : json["prompts"]) {
    const auto prompt = entry["prompt"].get<std::string>();
    SCOPED_TRACE(prompt.substr(0, 80));
    const bool repaired = entry["needs_ftfy"].get<bool>();
    const TokenIds ids = clip_tokenizer().encode(prompt);
    EXPECT_EQ(ids, entry[repaired ? "ids_without_ftfy" : "ids"].get<TokenIds>());
    if (!repaired) {
      EXPECT_TRUE(at::equal(at::tensor(clip_tokenizer().framed(ids, framed.size(1))), framed[row]));
    }
    ++row;
  }
  EXPECT_EQ(row, framed.size(0));
}

/// Vocabulary by hand: "l" + "o", "lo" + "w</w>", and what only ends of words join.
const Merges small = {{"l", "o"}, {"lo", "w</w>"}, {"o", "o"}, {"e", "r</w>"}};

int64_t byte_id(char c) {
  return BytePairs({}).encode(std::string(1, c) + "q").front();  // two letters: the first is no end of a word
}

TEST(BytePairs, JoinsInTheOrderInWhichPairsWereLearnt) {
  const BytePairs tokenizer(small);
  constexpr int64_t first = 512;  // the id of the first pair
  EXPECT_EQ(tokenizer.vocabulary_size(), first + 4 + 2);
  EXPECT_EQ(tokenizer.encode("low"), (TokenIds{first + 1}));
  EXPECT_EQ(tokenizer.encode("lower"), (TokenIds{first, byte_id('w'), first + 3}));
  EXPECT_EQ(tokenizer.encode("ooo").size(), 2u);
  EXPECT_EQ(tokenizer.encode("oooq").front(), first + 2);  // the leftmost of equal pairs
  EXPECT_EQ(tokenizer.encode("LOW &lt; low").size(), 3u);
  EXPECT_EQ(tokenizer.encode(""), TokenIds());
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("Low  lower")), "low lower ");
}

TEST(BytePairs, FramesAndCuts) {
  const BytePairs tokenizer(small);
  const int64_t start = tokenizer.start(), end = tokenizer.end();
  EXPECT_EQ(tokenizer.framed({7, 8}, 6), (TokenIds{start, 7, 8, end, 0, 0}));
  EXPECT_EQ(tokenizer.framed({7, 8, 9}, 4), (TokenIds{start, 7, 8, end}));
  EXPECT_EQ(tokenizer.framed({}, 3), (TokenIds{start, end, 0}));
}

/// What Python's loop does: the whole word once per pair.
TokenIds slow_ids(const std::string& word, const Merges& merges) {
  std::vector<std::string> symbols;
  for (const char c : word) symbols.emplace_back(1, c);
  symbols.back() += "</w>";
  for (;;) {
    size_t best = merges.size();
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      for (size_t rank = 0; rank < best; ++rank)
        if (merges[rank].first == symbols[i] && merges[rank].second == symbols[i + 1]) best = rank;
    if (best == merges.size()) break;
    std::vector<std::string> joined;
    for (size_t i = 0; i < symbols.size(); ++i) {
      const bool pair = i + 1 < symbols.size() && symbols[i] == merges[best].first && symbols[i + 1] == merges[best].second;
      joined.push_back(pair ? symbols[i] + symbols[i + 1] : symbols[i]);
      if (pair) ++i;
    }
    symbols = joined;
  }
  TokenIds ids;
  for (const std::string& symbol : symbols) {
    const bool ends = symbol.ends_with("</w>");
    const std::string letters = ends ? symbol.substr(0, symbol.size() - 4) : symbol;
    int64_t id = letters.size() == 1 ? byte_id(letters[0]) + (ends ? 256 : 0) : -1;
    for (size_t rank = 0; rank < merges.size(); ++rank)
      if (merges[rank].first + merges[rank].second == symbol) id = 512 + static_cast<int64_t>(rank);
    ids.push_back(id);
  }
  return ids;
}

TEST(BytePairs, AreThoseOfTheSlowLoop) {
  std::mt19937 dice(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::string> symbols = {"a", "b", "c", "a</w>", "b</w>", "c</w>"};
    Merges merges;
    for (int i = 0; i < 8; ++i) {
      const std::string left = symbols[dice() % symbols.size()], right = symbols[dice() % symbols.size()];
      const bool known = std::find(symbols.begin(), symbols.end(), left + right) != symbols.end();
      if (left.ends_with("</w>") || known) continue;
      merges.emplace_back(left, right), symbols.push_back(left + right);
    }
    std::string word;
    for (unsigned i = 0; i < 1 + dice() % 30; ++i) word.push_back(static_cast<char>('a' + dice() % 3));
    EXPECT_EQ(BytePairs(merges).encode(word), slow_ids(word, merges)) << word;
  }
}

TEST(PromptCleaning, UnescapesTwiceAsPythonDoes) {
  const auto cleaned = [](const char* text) { return encode_utf8(clean_prompt(text)); };
  EXPECT_EQ(cleaned("&amp;lt; &notit; &not &#x1F600; &#65 &#x80;x"), "< ¬it; ¬ 😀 a €x");
  EXPECT_EQ(cleaned("&#xD800;&#0;|&#1;|&unknown; & &; &#; &#xg"), "\uFFFD\uFFFD||&unknown; & &; &#; &#xg");
  EXPECT_EQ(cleaned("&NotEqualTilde;"), "\u2242\u0338");
  EXPECT_EQ(cleaned(" a\t\n\u00a0\u2003b\u200bc "), "a b\u200bc");
  EXPECT_EQ(cleaned("ΣΑΣ İ ẞ"), "σας i\u0307 ß");
}

TEST(BytePairs, TakesHostileText) {
  const BytePairs tokenizer(small);
  for (const std::string& text :
       {std::string(10'000, 'o'), std::string(10'000, '&'), std::string("\0\x01\x7f\x1b[31m", 8), std::string("\xff\xfe\xc3(", 4),
        std::string("&#99999999999999999999;"), std::string("(red:1.3) [chair]")}) {
    const TokenIds ids = tokenizer.encode(text);
    EXPECT_LE(ids.size(), 3 * text.size());
    for (const int64_t id : ids) ASSERT_LT(id, tokenizer.vocabulary_size());
  }
}

class MergesFile : public ::testing::Test {
 protected:
  std::string refusal(const std::string& text) {
    std::ofstream(folder_ / "file", std::ios::binary) << text;
    return testing::error_of([&] { BytePairs(read_merges(folder_ / "file")); });
  }
  testing::TemporaryFolder folder_;
};

TEST_F(MergesFile, AllFormsGiveTheSame) {
  write_merges(folder_ / "merges.txt", small);
  EXPECT_EQ(read_merges(folder_ / "merges.txt"), small);
  std::ofstream(folder_ / "pairs.json") << R"({"model": {"merges": [["l", "o"], ["lo", "w</w>"], "o o", "e r</w>"]}})";
  EXPECT_EQ(read_merges(folder_ / "pairs.json"), small);
  EXPECT_EQ(read_merges(folder_ / "merges.txt", 2).size(), 2u);
}

TEST_F(MergesFile, RefusesOthersInOneLine) {
  EXPECT_THAT(refusal(""), HasSubstr("holds no pairs"));
  EXPECT_THAT(refusal("#version\nl o\nx\n"), HasSubstr("line 3"));
  EXPECT_THAT(refusal("#version\nl o\nlow er\n"), HasSubstr("no pair before it makes"));
  EXPECT_THAT(refusal("{\"model\": 3}"), HasSubstr("no model.merges"));
  EXPECT_THAT(refusal("{\"model\": {\"merges\": [7]}}"), HasSubstr("pair 0"));
  EXPECT_THAT(refusal(std::string("\x1f\x8b\x08\x00gzip that is none", 22)), HasSubstr("file"));
  EXPECT_THAT(testing::error_of([&] { read_merges(folder_ / "nowhere"); }), HasSubstr("no such file"));
}

}  // namespace
}  // namespace gsv3d
