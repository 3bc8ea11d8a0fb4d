#include "text/byte_pairs.h"

#include <algorithm>
#include <array>
#include <optional>
#include <queue>
#include <tuple>

#include "core/error.h"
#include "text/prompt_cleaning.h"
#include "text/unicode.h"

namespace gsv3d {
namespace {

constexpr const char* word_end = "</w>";
constexpr int64_t bytes = 256;

/// The bytes in the order of their ids: first those that print in Latin-1, then the others.
const std::array<uint8_t, bytes>& byte_order() {
  static const auto order = [] {
    std::array<uint8_t, bytes> result{};
    const auto prints = [](int64_t c) { return (c >= '!' && c <= '~') || (c >= 0xA1 && c <= 0xFF && c != 0xAD); };
    size_t at = 0;
    for (const bool printing : {true, false})
      for (int64_t c = 0; c < bytes; ++c)
        if (prints(c) == printing) result[at++] = static_cast<uint8_t>(c);
    return result;
  }();
  return order;
}

/// How the vocabulary writes a byte: itself where it prints, else U+0100, U+0101, … in order.
char32_t written_byte(size_t id) {
  constexpr size_t printing = 188;
  return id < printing ? byte_order()[id] : static_cast<char32_t>(0x100 + id - printing);
}

/// The pieces of cleaned text that are joined by themselves: contractions, runs of letters, single digits, runs of the rest.
std::vector<std::u32string_view> words_of(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  const auto run = [&](CharacterKind kind) {
    size_t length = 0;
    while (length < text.size() && kind_of(text[length]) == kind) ++length;
    return length;
  };
  const auto begins = [&](std::u32string_view beginning) {
    // Upper and lower case are alike, and the long s is an s.
    return text.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), text.begin(),
                                                         [](char32_t a, char32_t b) { return a == (b == 0x17F ? U's' : b); });
  };
  while (!text.empty()) {
    const CharacterKind kind = kind_of(text.front());
    size_t length = kind == CharacterKind::number ? 1 : run(kind);
    for (const std::u32string_view fixed :
         {U"<start_of_text>", U"<end_of_text>", U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"}) {
      if (!begins(fixed)) continue;
      length = fixed.size();
      break;
    }
    if (kind != CharacterKind::space) words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

uint64_t pair_key(int64_t left, int64_t right) {
  return (static_cast<uint64_t>(left) << 32) | static_cast<uint64_t>(right);
}

}  // namespace

BytePairs::BytePairs(const Merges& merges) {
  std::unordered_map<std::string, int64_t> ids;  // by how the vocabulary writes a symbol
  const auto add = [&](const std::string& written, std::string symbol) {
    ids[written] = static_cast<int64_t>(symbols_.size());
    symbols_.push_back(std::move(symbol));
  };
  for (const char* ending : {"", word_end})
    for (size_t i = 0; i < bytes; ++i)
      add(encode_utf8(std::u32string(1, written_byte(i))) + ending, std::string(1, static_cast<char>(byte_order()[i])) + ending);
  for (const auto& pair : merges) {
    const std::string &left = pair.first, &right = pair.second;
    const auto known = [&](const std::string& written) {
      const auto found = ids.find(written);
      require(found != ids.end(), "vocabulary: the pair \"{} {}\" joins what no pair before it makes", left, right);
      return found->second;
    };
    add(left + right, symbols_[static_cast<size_t>(known(left))] + symbols_[static_cast<size_t>(known(right))]);
  }
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    joins_.emplace(pair_key(ids.at(left), ids.at(right)), Join{static_cast<int64_t>(i), ids.at(left + right)});
  }
  symbols_.insert(symbols_.end(), {"<start_of_text>", "<end_of_text>"});
}

const BytePairs::Join* BytePairs::join_of(int64_t left, int64_t right) const {
  const auto found = joins_.find(pair_key(left, right));
  return found == joins_.end() ? nullptr : &found->second;
}

/// Joins the earliest learnt pair first, of equal ones the leftmost: the same as going through the word once per pair, but a word
/// of n bytes takes n log n.
void BytePairs::add_word(const std::string& word, TokenIds& ids) const {
  static const auto id_of_byte = [] {
    std::array<int64_t, bytes> result{};
    for (size_t i = 0; i < bytes; ++i) result[byte_order()[i]] = static_cast<int64_t>(i);
    return result;
  }();
  constexpr size_t none = SIZE_MAX;
  struct Symbol {
    int64_t id;
    size_t left, right;
  };
  std::vector<Symbol> symbols;
  for (size_t i = 0; i < word.size(); ++i)
    symbols.push_back({id_of_byte[static_cast<uint8_t>(word[i])], i == 0 ? none : i - 1, i + 1 == word.size() ? none : i + 1});
  symbols.back().id += bytes;
  using Candidate = std::tuple<int64_t, size_t, int64_t, int64_t>;  // rank, position, ids of both
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](size_t at) {
    if (at == none || symbols[at].right == none) return;
    const int64_t left = symbols[at].id, right = symbols[symbols[at].right].id;
    if (const Join* join = join_of(left, right)) candidates.emplace(join->rank, at, left, right);
  };
  for (size_t i = 0; i < symbols.size(); ++i) consider(i);
  while (!candidates.empty()) {
    const auto [rank, at, left, right] = candidates.top();
    candidates.pop();
    const size_t next = symbols[at].right;
    if (symbols[at].id != left || next == none || symbols[next].id != right) continue;  // joined with another meanwhile
    symbols[at].id = join_of(left, right)->id;
    symbols[at].right = symbols[next].right;
    symbols[next].id = -1;
    if (symbols[at].right != none) symbols[symbols[at].right].left = at;
    consider(symbols[at].left), consider(at);
  }
  for (size_t at = 0; at != none; at = symbols[at].right) ids.push_back(symbols[at].id);
}

TokenIds BytePairs::encode(const std::string& prompt) const {
  TokenIds ids;
  const std::u32string text = clean_prompt(prompt);
  for (const std::u32string_view word : words_of(text)) {
    if (word == U"<start_of_text>")
      ids.push_back(start());
    else if (word == U"<end_of_text>")
      ids.push_back(end());
    else
      add_word(encode_utf8(word), ids);
  }
  return ids;
}

TokenIds BytePairs::framed(TokenIds ids, int64_t length) const {
  ids.insert(ids.begin(), start());
  ids.push_back(end());
  const bool cut = static_cast<int64_t>(ids.size()) > length;
  ids.resize(static_cast<size_t>(length), 0);
  if (cut) ids.back() = end();
  return ids;
}

std::string BytePairs::decode(const TokenIds& ids) const {
  std::string text;
  for (const int64_t id : ids) {
    require(id >= 0 && id < vocabulary_size(), "tokens: {} is outside 0 … {}", id, vocabulary_size() - 1);
    text += symbols_[static_cast<size_t>(id)];
  }
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const bool ends = text.compare(at, 4, word_end) == 0;
    result.push_back(ends ? ' ' : text[at]);
    at += ends ? 4 : 1;
  }
  return encode_utf8(decode_utf8(result));
}

}  // namespace gsv3d
