#include "objects/material_library.h"

#include <algorithm>
#include <cmath>

#include "objects/object_files.h"
#include "objects/text_lines.h"

namespace gsv3d {
namespace {

/// Options of a map statement take numbers, on/off or a channel letter.
bool is_option_argument(std::string_view word) {
  double number;
  return word == "on" || word == "off" ||
         (word.size() == 1 && std::string_view("rgbmlz").find(word[0]) != std::string_view::npos) || parse_number(word, number);
}

/// Up to two numbers; those that are left out keep their value.
void read_pair(const std::vector<std::string_view>& words, std::array<float, 2>& pair) {
  for (size_t i = 0; i < std::min<size_t>(2, words.size()); ++i) {
    float value;
    if (parse_number(words[i], value) && std::abs(value) < 1e4F) pair[i] = value;
  }
}

void read_option(std::string_view option, const std::vector<std::string_view>& words, MtlMap& map) {
  if (option == "-s") {
    read_pair(words, map.scale);
  } else if (option == "-o") {
    read_pair(words, map.offset);
  } else if (option == "-clamp") {
    map.clamps = !words.empty() && words[0] == "on";
  } else if (option == "-mm" || option == "-t") {
    map.unknown_options.emplace_back(option);
  }
}

MtlMap read_map(std::string_view rest) {
  MtlMap map;
  rest = trimmed(rest);
  while (!rest.empty() && rest.front() == '-') {
    std::string_view after = rest;
    const std::string_view option = take_word(after);
    std::vector<std::string_view> words;
    for (std::string_view next = after;; after = next) {
      const std::string_view word = take_word(next);
      if (!is_option_argument(word)) break;
      words.push_back(word);
    }
    if (trimmed(after).empty()) break;  // the file's name begins with a dash or looks like a number
    read_option(option, words, map);
    rest = trimmed(after);
  }
  if (rest.size() > 1 && rest.front() == '"' && rest.back() == '"') rest = rest.substr(1, rest.size() - 2);
  if (!rest.empty()) map.names.emplace_back(rest);
  if (const size_t comment = rest.find('#'); comment != std::string_view::npos && comment > 0)
    map.names.emplace_back(trimmed(rest.substr(0, comment)));
  return map;
}

std::optional<std::array<float, 3>> read_color(std::string_view rest) {
  std::array<float, 3> values;
  for (float& value : values) {
    if (!parse_number(take_word(rest), value) || !std::isfinite(value)) return std::nullopt;
    value = std::clamp(value, 0.0F, 1.0F);
  }
  return values;
}

}  // namespace

std::map<std::string, MtlMaterial> parse_mtl(const std::string& text) {
  std::map<std::string, MtlMaterial> materials;
  MtlMaterial ignored;
  MtlMaterial* current = &ignored;
  bool has_d = false;
  const std::string lines = whole_lines(text);
  for (std::string_view rest = lines; !rest.empty();) {
    std::string_view line = take_line(rest);
    const std::string keyword = lower_case(std::string(take_word(line)));
    float value;
    if (keyword == "newmtl") {
      const auto [entry, is_new] = materials.try_emplace(std::string(trimmed(line)));
      current = is_new ? &entry->second : &ignored;
      has_d = false;
    } else if (keyword == "kd") {
      if (const auto color = read_color(line)) current->color = color;
    } else if (keyword == "ke") {
      if (const auto color = read_color(line)) current->emission = *color, current->has_emission = true;
    } else if (keyword == "d" && parse_number(take_word(line), value)) {
      current->opacity = std::clamp(value, 0.0F, 1.0F);
      has_d = true;
    } else if (keyword == "tr" && parse_number(take_word(line), value)) {
      // Programs disagree about which way Tr counts and write it beside d: then d is what they agree on.
      if (!has_d) current->opacity = std::clamp(1 - value, 0.0F, 1.0F);
    } else if (keyword == "map_kd") {
      current->color_map = read_map(line);
    } else if (keyword == "map_d") {
      current->opacity_map = read_map(line);
    } else if (keyword == "map_ke") {
      current->emission_map = read_map(line);
    }
  }
  return materials;
}

}  // namespace gsv3d
