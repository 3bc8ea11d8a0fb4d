#include "text/tokenizer.h"

#include "core/log.h"

namespace gsv3d {

Tensor tokens_of(const Tokenizer& tokenizer, const std::vector<std::string>& prompts, int64_t length) {
  std::vector<int64_t> all;
  for (const std::string& prompt : prompts) {
    const TokenIds ids = tokenizer.encode(prompt);
    if (const int64_t room = tokenizer.room(length); static_cast<int64_t>(ids.size()) > room)
      spdlog::warn("text: the prompt is {} tokens long; the first {} are used", ids.size(), room);
    const TokenIds row = tokenizer.framed(ids, length);
    all.insert(all.end(), row.begin(), row.end());
  }
  return at::tensor(all, at::kLong).reshape({static_cast<int64_t>(prompts.size()), length});
}

}  // namespace gsv3d
