// What somebody who mistyped a word may have meant.
#pragma once

#include <string>
#include <vector>

namespace gsv3d {

/// The nearest of `known` by insertions, deletions, replacements and swaps of neighbours (optimal string alignment), upper and
/// lower case alike; empty when none is near: more than a third of the letters would be others.
std::string nearest_word(const std::string& word, const std::vector<std::string>& known);

/// The `count` nearest of `known` by the same edits, however far, nearest first; of equally near ones those that begin alike,
/// then in the order of `known`.
std::vector<std::string> nearest_words(const std::string& word, const std::vector<std::string>& known, size_t count);

/// `, did you mean "x"?` for the end of a message, or nothing.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

}  // namespace gsv3d
