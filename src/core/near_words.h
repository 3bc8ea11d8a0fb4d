// Which known words come closest to one that is not known.
#pragma once

#include <string>
#include <vector>

namespace gsv3d {

/// The `count` nearest of `known` by insertions, deletions and replacements (Levenshtein), however far, nearest first; of equally
/// near ones those that begin alike, then in the order of `known`. Both are compared as they are, letter case included.
std::vector<std::string> nearest_words(const std::string& word, const std::vector<std::string>& known, size_t count);

}  // namespace gsv3d
