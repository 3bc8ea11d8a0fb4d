#include "core/spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tuple>

namespace gsv3d {
namespace {

char lower(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

size_t edits(const std::string& a, const std::string& b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]) ? 1 : 0);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last, last = row;
  }
  return last[b.size()];
}

size_t common_beginning(const std::string& a, const std::string& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

std::string nearest_word(const std::string& word, const std::vector<std::string>& known) {
  std::string nearest;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    if (const size_t distance = edits(word, candidate); distance < least) least = distance, nearest = candidate;
  }
  return nearest;
}

std::vector<std::string> nearest_words(const std::string& word, const std::vector<std::string>& known, size_t count) {
  constexpr size_t longest = 64;  // of a word whose letters are compared
  const std::string compared = word.substr(0, longest);
  std::vector<std::tuple<size_t, size_t, size_t>> all;  // distance, letters from the first difference on, place
  for (size_t i = 0; i < known.size(); ++i)
    all.emplace_back(edits(compared, known[i]), compared.size() - common_beginning(compared, known[i]), i);
  std::sort(all.begin(), all.end());
  std::vector<std::string> nearest;
  for (size_t i = 0; i < std::min(count, all.size()); ++i) nearest.push_back(known[std::get<2>(all[i])]);
  return nearest;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string nearest = nearest_word(word, known);
  return nearest.empty() ? "" : fmt::format(", did you mean \"{}\"?", nearest);
}

}  // namespace gsv3d
