// The tokenizer of a model that was trained on a few hundred words: one id per word, and what it does not know is said.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace gsv3d {

/// The words of a name or prompt: lower case, cut at everything that is neither letter nor number.
std::vector<std::string> plain_words(const std::string& text);

struct WordList {
  std::vector<std::string> words;    ///< ids 1, 2, …
  std::vector<std::string> ignored;  ///< words that say nothing here: "a", "the", …
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("words", words), visit("ignored", ignored);
  }
};

class KnownWords : public Tokenizer {
 public:
  /// Throws Error for a word that is there twice.
  explicit KnownWords(WordList list);
  /// Throws UsageError naming the words that are not known, each with the nearest that are.
  TokenIds encode(const std::string& prompt) const override;
  /// Ids, then zeros.
  TokenIds framed(TokenIds ids, int64_t length) const override;
  int64_t vocabulary_size() const override { return static_cast<int64_t>(list_.words.size()) + 1; }
  int64_t room(int64_t length) const override { return length; }

 private:
  WordList list_;
  std::map<std::string, int64_t> ids_;
};

}  // namespace gsv3d
