// Prompts of any bytes through the tokenizer of byte pairs: its ids are ids, their text is the cleaned prompt's, and a frame has
// its length. With GSV3D_CLIP_VOCABULARY CLIP's own pairs, else a few.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/error.h"
#include "text/byte_pairs.h"
#include "text/known_words.h"
#include "text/prompt_cleaning.h"
#include "text/unicode.h"

namespace {

using namespace gsv3d;

const BytePairs& tokenizer() {
  static const BytePairs all([] {
    const char* vocabulary = std::getenv("GSV3D_CLIP_VOCABULARY");
    if (vocabulary) return read_merges(vocabulary);
    return Merges{{"a", "n"}, {"t", "h"}, {"th", "e</w>"}, {"o", "o"}, {"oo", "oo"}, {"an", "d</w>"}, {"\u00c3", "\u00a9</w>"}};
  }());
  return all;
}

/// Blanks say where words end, and decode() puts one after every word.
std::string without_blanks(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  return text;
}

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

/// CLIP's pairs take a while to read, which is not the first prompt's time.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  (void)tokenizer();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string prompt(reinterpret_cast<const char*>(data), size);
  const std::string cleaned = encode_utf8(clean_prompt(prompt));
  const TokenIds ids = tokenizer().encode(prompt);
  for (const int64_t id : ids) check(id >= 0 && id < tokenizer().vocabulary_size());
  check(without_blanks(tokenizer().decode(ids)) == without_blanks(cleaned));
  check(tokenizer().framed(ids, 77).size() == 77 && tokenizer().framed(ids, 77).front() == tokenizer().start());
  static const KnownWords words({{"chair", "red"}, {"a"}});
  try {
    for (const int64_t id : words.encode(prompt)) check(id == 1 || id == 2);
  } catch (const UsageError& error) {
    check(std::string(error.what()).find('\n') == std::string::npos);
  }
  return 0;
}
