#include "service/client/event_parser.h"

#include "core/error.h"

namespace gsv3d {
namespace {

constexpr size_t longest_line = size_t{64} << 20;

}  // namespace

void EventParser::feed(std::string_view bytes) {
  for (size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    pending_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (pending_.ends_with('\r')) pending_.pop_back();
    line(std::exchange(pending_, {}));
  }
  require(pending_.size() + bytes.size() <= longest_line, "the service sends an event without an end");
  pending_ += bytes;
}

void EventParser::line(std::string_view text) {
  if (text.empty()) {
    if (!data_.empty()) listener_(type_.empty() ? "message" : type_, data_);
    type_.clear(), data_.clear();
    return;
  }
  const size_t colon = text.find(':');
  if (colon == 0) return;  // a comment
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") type_ = value;
  if (field == "data") data_ += (data_.empty() ? "" : "\n") + std::string(value);
}

}  // namespace gsv3d
