// What a set of golden files holds, so that tests run all of any set instead of names that are written into them.
#pragma once

#include <cctype>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "goldens.h"

namespace gsv3d::testing {

/// Names of the golden files FOLDER/NAME + `ending`, without the ending, in order; so that tests run whatever a set holds.
inline std::vector<std::string> golden_names(const std::string& folder, const std::string& ending,
                                             const std::string& beginning = "") {
  std::set<std::string> names;
  for (const auto& root : {goldens_folder(), std::filesystem::path(GSV3D_SOURCE_DIR) / "tests" / "goldens"}) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(beginning) && name.ends_with(ending))
        names.insert(name.substr(beginning.size(), name.size() - beginning.size() - ending.size()));
    }
    if (!names.empty()) break;  // another set stands for itself
  }
  return {names.begin(), names.end()};
}

/// A parameter's text as the name of a test: letters, digits and underscores.
inline std::string test_name(std::string text) {
  for (char& c : text)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return text;
}

}  // namespace gsv3d::testing
