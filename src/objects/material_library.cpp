#include "objects/material_library.h"

#include <algorithm>
#include <cmath>

#include "objects/text_lines.h"

namespace gsv3d {
namespace {

/// Options of a map statement take numbers, on/off or a channel letter.
bool is_option_argument(std::string_view word) {
  double number;
  return word == "on" || word == "off" ||
         (word.size() == 1 && std::string_view("rgbmlz").find(word[0]) != std::string_view::npos) || parse_number(word, number);
}

std::vector<std::string> map_names(std::string_view rest) {
  rest = trimmed(rest);
  while (!rest.empty() && rest.front() == '-') {
    std::string_view after = rest;
    take_word(after);
    for (std::string_view next = after; is_option_argument(take_word(next));) after = next;
    if (trimmed(after).empty()) break;  // the file's name begins with a dash or looks like a number
    rest = trimmed(after);
  }
  if (rest.size() > 1 && rest.front() == '"' && rest.back() == '"') rest = rest.substr(1, rest.size() - 2);
  std::vector<std::string> names;
  if (!rest.empty()) names.emplace_back(rest);
  if (const size_t comment = rest.find('#'); comment != std::string_view::npos && comment > 0)
    names.emplace_back(trimmed(rest.substr(0, comment)));
  return names;
}

void read_color(std::string_view rest, float (&color)[3]) {
  float values[3];
  for (float& value : values)
    if (!parse_number(take_word(rest), value) || !std::isfinite(value)) return;
  for (int i = 0; i < 3; ++i) color[i] = std::clamp(values[i], 0.0F, 1.0F);
}

}  // namespace

std::map<std::string, MtlMaterial> parse_mtl(const std::string& text) {
  std::map<std::string, MtlMaterial> materials;
  MtlMaterial ignored;
  MtlMaterial* current = &ignored;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view line = take_line(rest);
    const std::string_view keyword = take_word(line);
    float value;
    if (keyword == "newmtl") {
      const auto [entry, is_new] = materials.try_emplace(std::string(trimmed(line)));
      current = is_new ? &entry->second : &ignored;
    } else if (keyword == "Kd") {
      read_color(line, current->color);
    } else if (keyword == "d" && parse_number(take_word(line), value)) {
      current->opacity = std::clamp(value, 0.0F, 1.0F);
    } else if (keyword == "Tr" && parse_number(take_word(line), value)) {
      current->opacity = std::clamp(1 - value, 0.0F, 1.0F);
    } else if (keyword == "map_Kd" || keyword == "map_kd") {
      current->color_maps = map_names(line);
    } else if (keyword == "map_d") {
      current->opacity_maps = map_names(line);
    }
  }
  return materials;
}

}  // namespace gsv3d
