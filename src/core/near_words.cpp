#include "core/near_words.h"

#include <algorithm>
#include <tuple>

namespace gsv3d {
namespace {

size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

size_t common_beginning(const std::string& a, const std::string& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

std::vector<std::string> nearest_words(const std::string& word, const std::vector<std::string>& known, size_t count) {
  constexpr size_t longest = 64;  // of a word whose letters are compared
  const std::string compared = word.substr(0, longest);
  std::vector<std::tuple<size_t, size_t, size_t>> all;  // distance, letters from the first difference on, place
  for (size_t i = 0; i < known.size(); ++i)
    all.emplace_back(distance(compared, known[i]), compared.size() - common_beginning(compared, known[i]), i);
  std::sort(all.begin(), all.end());
  std::vector<std::string> nearest;
  for (size_t i = 0; i < std::min(count, all.size()); ++i) nearest.push_back(known[std::get<2>(all[i])]);
  return nearest;
}

}  // namespace gsv3d
