#include "training/object_names.h"

#include <algorithm>
#include <set>

#include "core/csv.h"
#include "core/error.h"
#include "training/training_set.h"

namespace gsv3d {
namespace {

const std::vector<std::string> ignored = {"a", "an", "the", "of", "and", "with", "on", "in", "s"};

bool says_something(const std::string& word) {
  const bool digits = std::all_of(word.begin(), word.end(), [](unsigned char c) { return c >= '0' && c <= '9'; });
  return word.size() > 1 && !digits && std::find(ignored.begin(), ignored.end(), word) == ignored.end();
}

bool is_color(const std::string& word) {
  return std::any_of(named_colors().begin(), named_colors().end(), [&](const NamedColor& color) {
    return color.name == word || std::find(color.synonyms.begin(), color.synonyms.end(), word) != color.synonyms.end();
  });
}

}  // namespace

std::map<std::string, std::vector<std::string>> object_names(const std::filesystem::path& data) {
  const auto table = (std::filesystem::is_directory(data) ? data : data.parent_path()) / "objects.csv";
  require(std::filesystem::exists(table), "{}: not there; it says what the objects are called (gsv3d data render writes it)",
          table.string());
  std::map<std::string, std::vector<std::string>> names;
  for (const auto& row : read_csv(table)) {
    require(row.count("id") && row.count("name"), "{}: has no columns id and name", table.string());
    std::vector<std::string> words;
    for (const std::string& word : plain_words(row.at("name")))
      if (says_something(word)) words.push_back(word);
    if (!words.empty()) names.emplace(row.at("id"), std::move(words));
  }
  require(!names.empty(), "{}: no object in it has a name", table.string());
  return names;
}

WordList words_of_names(const std::map<std::string, std::vector<std::string>>& names) {
  std::set<std::string> words;
  for (const auto& [id, name] : names) words.insert(name.begin(), name.end());
  for (const NamedColor& color : named_colors()) {
    words.insert(color.name);
    words.insert(color.synonyms.begin(), color.synonyms.end());
  }
  return {{words.begin(), words.end()}, ignored};
}

ObjectPrompt draw_prompt(const std::vector<std::string>& name, const PromptDraw& numbers, double paint) {
  ObjectPrompt prompt;
  if (numbers.color < paint) {
    const auto color = pick(numbers.color / paint, static_cast<int64_t>(named_colors().size()));
    prompt.color = &named_colors()[static_cast<size_t>(color)];
  }
  std::vector<std::string> kept;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool last = i + 1 == name.size();
    if (!last && (numbers.words < 0.5 || (prompt.color && is_color(name[i])))) continue;
    kept.push_back(name[i]);
  }
  if (prompt.color) {
    const std::vector<std::string>& synonyms = prompt.color->synonyms;
    const auto chosen = static_cast<size_t>(pick(numbers.which, 1 + static_cast<int64_t>(synonyms.size())));
    kept.insert(kept.begin(), chosen == 0 ? prompt.color->name : synonyms[chosen - 1]);
  }
  for (const std::string& word : kept) prompt.text += (prompt.text.empty() ? "" : " ") + word;
  return prompt;
}

}  // namespace gsv3d
