// From a prompt to the numbers that a text tower takes.
#pragma once

#include <string>
#include <vector>

#include "core/tensor.h"

namespace gsv3d {

/// A prompt's token ids, without those that begin, end and fill.
using TokenIds = std::vector<int64_t>;

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// All of them. Throws UsageError for words that this tokenizer does not have.
  virtual TokenIds encode(const std::string& prompt) const = 0;
  /// As the tower sees them: exactly `length`, what is too much left out.
  virtual TokenIds framed(TokenIds ids, int64_t length) const = 0;
  virtual int64_t vocabulary_size() const = 0;
  /// How many of a prompt's own tokens fit into `length`.
  virtual int64_t room(int64_t length) const = 0;
};

/// [prompts, length] int64. Warns in the log of prompts of which an end is left out.
Tensor tokens_of(const Tokenizer& tokenizer, const std::vector<std::string>& prompts, int64_t length);

}  // namespace gsv3d
