// Cursor over the words of a text file's lines: what the OBJ and MTL readers share.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace gsv3d {

inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes the next line (without its end) off `text`; CR, LF and CRLF end lines.
inline std::string_view take_line(std::string_view& text) {
  const size_t end = text.find_first_of("\n\r");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

/// The text without a byte-order mark (UTF-8) and with lines that end in a '\\' joined to the next one; comments never go on.
inline std::string whole_lines(std::string text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  for (size_t at = text.find('\\'); at != std::string::npos; at = text.find('\\', at + 1)) {
    size_t end = at + 1;
    if (end < text.size() && text[end] == '\r') ++end;
    if (end < text.size() && text[end] == '\n') ++end;
    if (end == at + 1) continue;
    const size_t before = text.find_last_of("\n\r", at);
    const size_t first = text.find_first_not_of(" \t", before == std::string::npos ? 0 : before + 1);
    if (text[first] != '#') text.replace(at, end - at, end - at, ' ');
  }
  return text;
}

/// Takes the next word off `line`; empty at its end.
inline std::string_view take_word(std::string_view& line) {
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  size_t end = 0;
  while (end < line.size() && !is_blank(line[end])) ++end;
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

/// True and the value when the whole word is a number.
template <class Number>
bool parse_number(std::string_view word, Number& value) {
  if (!word.empty() && word.front() == '+') word.remove_prefix(1);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end == word.data() + word.size();
}

}  // namespace gsv3d
