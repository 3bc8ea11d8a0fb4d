#include "text/prompt_cleaning.h"

#include <algorithm>
#include <array>
#include <map>

#include "text/unicode.h"

namespace gsv3d {
namespace {

/// By name, with the semicolon where it is part of it.
const std::map<std::string, std::u32string, std::less<>>& named_characters() {
  static const auto table = [] {
    static constexpr char data[] =
#include "text/html_entities.inc"
        ;
    std::map<std::string, std::u32string, std::less<>> result;
    std::string_view rest(data, sizeof(data) - 1);
    while (!rest.empty()) {
      const std::string_view entry = rest.substr(0, rest.find('\0'));
      const size_t blank = entry.find(' ');
      result.emplace(entry.substr(0, blank), decode_utf8(entry.substr(blank + 1)));
      rest.remove_prefix(entry.size() + 1);
    }
    return result;
  }();
  return table;
}

/// What a numbered character stands for: Windows-1252 where its number is one of that code's (HTML, numeric character reference
/// end state); nothing for those that are no characters.
std::u32string numbered(uint32_t number) {
  constexpr std::array<char32_t, 32> windows = {
      0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D, 0x17D, 0x8F,
      0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0x9D, 0x17E, 0x178};
  if (number >= 0x80 && number < 0xA0) return {windows[number - 0x80]};
  if (number == 0 || (number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF) return {0xFFFD};
  if (number == 0x0D) return {0x0D};
  const bool control = number < 0x20 && number != 0x09 && number != 0x0A && number != 0x0C;
  const bool none = (number >= 0xFDD0 && number <= 0xFDEF) || (number & 0xFFFE) == 0xFFFE || number == 0x7F;
  return control || none ? std::u32string() : std::u32string{number};
}

int digit_of(char32_t c, int base) {
  const int value = c >= '0' && c <= '9'   ? static_cast<int>(c - '0')
                    : c >= 'a' && c <= 'f' ? static_cast<int>(c - 'a') + 10
                    : c >= 'A' && c <= 'F' ? static_cast<int>(c - 'A') + 10
                                           : 99;
  return value < base ? value : -1;
}

/// Reads the number after "&#" from `at` on; moves `at` behind it. False when there is none.
bool take_number(std::u32string_view text, size_t& at, std::u32string& result) {
  size_t i = at;
  int base = 10;
  if (i < text.size() && (text[i] == 'x' || text[i] == 'X')) base = 16, ++i;
  const size_t begin = i;
  uint32_t number = 0;
  for (; i < text.size() && digit_of(text[i], base) >= 0; ++i)
    number = std::min<uint32_t>(number * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit_of(text[i], base)), 0x110000);
  if (i == begin) return false;
  if (i < text.size() && text[i] == ';') ++i;
  result += numbered(number);
  at = i;
  return true;
}

/// The longest name that the text has from `at` on.
bool take_name(std::u32string_view text, size_t& at, std::u32string& result) {
  constexpr size_t longest = 33;
  std::string name;
  for (size_t i = at; i < text.size() && name.size() < longest && text[i] > 0x20 && text[i] < 0x7F; ++i) {
    name.push_back(static_cast<char>(text[i]));
    if (text[i] == ';') break;
  }
  for (; name.size() > 1; name.pop_back()) {
    const auto found = named_characters().find(name);
    if (found == named_characters().end()) continue;
    result += found->second;
    at += name.size();
    return true;
  }
  return false;
}

std::u32string single_blanks(std::u32string_view text) {
  std::u32string result;
  for (const char32_t c : text) {
    if (kind_of(c) != CharacterKind::space)
      result.push_back(c);
    else if (!result.empty() && result.back() != ' ')
      result.push_back(' ');
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  std::u32string result;
  for (size_t at = 0; at < text.size();) {
    const char32_t c = text[at++];
    if (c != '&') {
      result.push_back(c);
      continue;
    }
    if (at < text.size() && text[at] == '#') {
      size_t after = at + 1;
      if (take_number(text, after, result))
        at = after;
      else
        result.push_back(c);
    } else if (!take_name(text, at, result)) {
      result.push_back(c);
    }
  }
  return result;
}

std::u32string clean_prompt(std::string_view prompt) {
  return lower_case(single_blanks(unescape_html(unescape_html(decode_utf8(prompt)))));
}

}  // namespace gsv3d
