#include "service/byte_range.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace gsv3d {
namespace {

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

RangeAnswer requested_range(const std::string& header, uint64_t size) {
  const RangeAnswer whole = {RangeOutcome::kWhole, {0, size}}, none = {RangeOutcome::kUnsatisfiable, {0, 0}};
  constexpr std::string_view unit = "bytes=";
  if (!header.starts_with(unit)) return whole;
  const std::string_view text = std::string_view(header).substr(unit.size());
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto first = number(text.substr(0, dash)), last = number(text.substr(dash + 1));
  if (dash == 0) {  // the last so many bytes
    if (!last) return whole;
    if (*last == 0 || size == 0) return none;
    const uint64_t count = std::min(*last, size);
    return {RangeOutcome::kPart, {size - count, count}};
  }
  const bool open = dash + 1 == text.size();
  if (!first || (!open && !last) || (last && *last < *first)) return whole;
  if (*first >= size) return none;
  const uint64_t end = open ? size - 1 : std::min(*last, size - 1);
  return {RangeOutcome::kPart, {*first, end - *first + 1}};
}

}  // namespace gsv3d
