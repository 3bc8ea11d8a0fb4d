#include "objects/furniture_catalog.h"

#include <map>

#include "objects/text_lines.h"

namespace gsv3d {
namespace {

void append_utf8(std::string& text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 63));
  } else {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 63));
    text += static_cast<char>(0x80 | (code & 63));
  }
}

/// Java's escapes (\uXXXX, \t, \:, ...) and latin-1 → UTF-8.
std::string unescaped(std::string_view raw) {
  std::string text;
  for (size_t i = 0; i < raw.size(); ++i) {
    uint32_t code = static_cast<unsigned char>(raw[i]);
    if (code == '\\' && i + 1 < raw.size()) {
      code = static_cast<unsigned char>(raw[++i]);
      if (code == 't') code = '\t';
      if (code == 'n') code = '\n';
      if (code == 'u' && i + 4 < raw.size()) {
        const auto [end, error] = std::from_chars(raw.data() + i + 1, raw.data() + i + 5, code, 16);
        if (error == std::errc() && end == raw.data() + i + 5) i += 4;
      }
    }
    append_utf8(text, code);
  }
  return text;
}

}  // namespace

std::vector<FurnitureItem> parse_furniture_catalog(const std::string& text) {
  std::map<int64_t, FurnitureItem> items;
  for (std::string_view rest = text; !rest.empty();) {
    std::string logical(trimmed(take_line(rest)));
    if (logical.empty() || logical[0] == '#' || logical[0] == '!') continue;
    while (logical.back() == '\\' && !rest.empty()) {
      logical.pop_back();
      logical += trimmed(take_line(rest));
      if (logical.empty()) break;
    }
    const size_t equals = logical.find('='), hash = logical.find('#');
    int64_t number = 0;
    if (equals == std::string::npos || hash > equals ||
        !parse_number(trimmed(logical.substr(hash + 1, equals - hash - 1)), number))
      continue;
    const std::string key = logical.substr(0, hash);
    FurnitureItem& item = items[number];
    std::string* field = key == "id"              ? &item.id
                         : key == "name"          ? &item.name
                         : key == "creator"       ? &item.creator
                         : key == "model"         ? &item.model
                         : key == "modelRotation" ? &item.model_rotation
                                                  : nullptr;
    if (field) *field = unescaped(trimmed(std::string_view(logical).substr(equals + 1)));
  }
  std::vector<FurnitureItem> result;
  for (auto& [number, item] : items)
    if (!item.model.empty()) result.push_back(std::move(item));
  return result;
}

}  // namespace gsv3d
