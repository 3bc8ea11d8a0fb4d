#include "service/text_request.h"

#include "core/error.h"
#include "pipeline/text_pictures.h"
#include "text/byte_pairs.h"
#include "text/known_words.h"

namespace gsv3d {

void check_text_request(const ServedModel& model, const std::string& words) {
  if (!model.text)
    throw UsageError(fmt::format("text: model \"{}\" makes no pictures from words: send a photo", model.config.name));
  TextModel described;  // without its networks, which checking needs none of
  described.config = *model.text;
  if (described.config.words)
    described.tokenizer = std::make_shared<KnownWords>(*described.config.words);
  else
    described.tokenizer = std::make_shared<BytePairs>(Merges());  // takes any words
  try {
    check_text(described, words, {});
  } catch (const UsageError& error) {
    throw UsageError(std::string("text: ") + error.what());
  }
}

}  // namespace gsv3d
