// What the objects of a training set are called, and prompts made of it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "image/named_colors.h"
#include "text/known_words.h"

namespace gsv3d {

/// Object id → the words of its name, of the objects.csv beside shards (a folder, or one shard of it); numbers and single letters
/// left out, and objects with no other words. Throws Error when there is no such table.
std::map<std::string, std::vector<std::string>> object_names(const std::filesystem::path& data);

/// All words of names and colours, sorted, and those that prompts may hold though they say nothing.
WordList words_of_names(const std::map<std::string, std::vector<std::string>>& names);

/// How an object is asked for in one step of training.
struct PromptDraw {
  double color = 0, words = 0, which = 0;  ///< numbers in [0, 1)
};
struct ObjectPrompt {
  std::string text;
  const NamedColor* color = nullptr;  ///< to paint the object with; none: its own colours
};

/// With probability `paint`, a colour's word before the name (whose own colour words go); the whole name or, in half of the
/// draws, its last word alone, which says what the thing is.
ObjectPrompt draw_prompt(const std::vector<std::string>& name, const PromptDraw& numbers, double paint);

}  // namespace gsv3d
