// OpenCLIP's tokenizer: the bytes of each word, joined pair by pair in the order in which the pairs were learnt
// (open_clip/tokenizer.py: SimpleTokenizer; byte-level BPE: Radford et al. 2019).
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace gsv3d {

/// Pairs of symbols, in the order in which they are joined; bytes are written as the tokenizer's printable characters.
using Merges = std::vector<std::pair<std::string, std::string>>;

/// From open_clip's bpe_simple_vocab_16e6.txt, the same gzipped, transformers' merges.txt (a line of heading, then one pair a
/// line), or tokenizer.json (model.merges); never more than `most`, which is CLIP's number. Throws Error for anything else.
Merges read_merges(const std::filesystem::path& path, size_t most = 48894);

/// As read_merges reads it, atomically.
void write_merges(const std::filesystem::path& path, const Merges& merges);

class BytePairs : public Tokenizer {
 public:
  /// Ids: 256 bytes, 256 bytes at the end of a word, one for each pair, start, end. Throws Error for a pair of symbols that no
  /// earlier one makes.
  explicit BytePairs(const Merges& merges);

  TokenIds encode(const std::string& prompt) const override;
  /// Start, ids, end, zeros; the end stands in the last place when there are too many.
  TokenIds framed(TokenIds ids, int64_t length) const override;
  int64_t vocabulary_size() const override { return static_cast<int64_t>(symbols_.size()); }
  int64_t room(int64_t length) const override { return length - 2; }

  int64_t start() const { return vocabulary_size() - 2; }
  int64_t end() const { return vocabulary_size() - 1; }
  /// The text of ids: the cleaned prompt, with a blank after every word. Throws Error for an id that there is not.
  std::string decode(const TokenIds& ids) const;

 private:
  struct Join {
    int64_t rank, id;
  };
  void add_word(const std::string& bytes, TokenIds& ids) const;
  const Join* join_of(int64_t left, int64_t right) const;

  std::vector<std::string> symbols_;  // by id; bytes as they are, a word's end as "</w>"
  std::unordered_map<uint64_t, Join> joins_;
};

}  // namespace gsv3d
