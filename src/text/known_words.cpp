#include "text/known_words.h"

#include <algorithm>

#include "core/error.h"
#include "core/spelling.h"
#include "text/prompt_cleaning.h"
#include "text/unicode.h"

namespace gsv3d {

std::vector<std::string> plain_words(const std::string& text) {
  std::vector<std::string> words;
  std::u32string word;
  const auto flush = [&] {
    if (!word.empty()) words.push_back(encode_utf8(word));
    word.clear();
  };
  for (const char32_t c : clean_prompt(text)) {
    const CharacterKind kind = kind_of(c);
    if (kind == CharacterKind::letter || kind == CharacterKind::number)
      word.push_back(c);
    else
      flush();
  }
  flush();
  return words;
}

KnownWords::KnownWords(WordList list) : list_(std::move(list)) {
  for (size_t i = 0; i < list_.words.size(); ++i)
    require(ids_.emplace(list_.words[i], static_cast<int64_t>(i) + 1).second, "list of words: \"{}\" is in it twice",
            list_.words[i]);
}

TokenIds KnownWords::encode(const std::string& prompt) const {
  TokenIds ids;
  std::vector<std::string> unknown;
  for (const std::string& word : plain_words(prompt)) {
    if (std::find(list_.ignored.begin(), list_.ignored.end(), word) != list_.ignored.end()) continue;
    if (const auto found = ids_.find(word); found != ids_.end())
      ids.push_back(found->second);
    else if (std::find(unknown.begin(), unknown.end(), word) == unknown.end())
      unknown.push_back(word);
  }
  if (unknown.empty()) return ids;
  constexpr size_t most_named = 5, neighbours = 3;
  std::string message = fmt::format("this model knows {} words, and not", list_.words.size());
  for (size_t i = 0; i < std::min(unknown.size(), most_named); ++i) {
    const std::vector<std::string> near = nearest_words(unknown[i], list_.words, neighbours);
    const std::string shown = unknown[i].size() > 40 ? unknown[i].substr(0, 40) + "..." : unknown[i];
    message += fmt::format("{} \"{}\" (nearest: {})", i > 0 ? "," : "", encode_utf8(decode_utf8(shown)), fmt::join(near, ", "));
  }
  if (unknown.size() > most_named) message += fmt::format(" and {} more", unknown.size() - most_named);
  throw UsageError(message);
}

TokenIds KnownWords::framed(TokenIds ids, int64_t length) const {
  ids.resize(static_cast<size_t>(length), 0);
  return ids;
}

}  // namespace gsv3d
