// Where the pairs of byte_pairs.h are found: open_clip's vocabulary, plain or gzipped, and transformers' files.
#include <zlib.h>

#include <algorithm>
#include <sstream>

#include "core/atomic_file.h"
#include "core/config.h"
#include "core/error.h"
#include "text/byte_pairs.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

/// The whole file, unpacked where it is gzipped.
std::string file_text(const fs::path& path) {
  constexpr size_t most = 64 << 20;
  gzFile file = gzopen(path.c_str(), "rb");  // reads plain files, too
  require(file != nullptr, "{}: cannot be read", path.string());
  std::string text;
  std::array<char, 1 << 16> part{};
  int count = 0;
  while (text.size() <= most && (count = gzread(file, part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<size_t>(count));
  const bool damaged = count < 0;
  gzclose(file);
  require(!damaged, "{}: damaged, cannot be unpacked", path.string());
  require(text.size() <= most, "{}: larger than a vocabulary", path.string());
  return text;
}

/// "left right" → the two.
std::pair<std::string, std::string> pair_of(const std::string& line, const std::string& where) {
  const size_t blank = line.find(' ');
  const bool two = blank != line.npos && blank > 0 && blank + 1 < line.size() && line.find(' ', blank + 1) == line.npos;
  require(two, "{}: \"{}\" is not a pair of symbols with one blank between", where, line.substr(0, 40));
  return {line.substr(0, blank), line.substr(blank + 1)};
}

Merges merges_of_json(const std::string& text, const fs::path& path, size_t most) {
  const Json json = parse_json(text, path.string());
  require(json.is_object() && json.contains("model") && json["model"].is_object() && json["model"].contains("merges") &&
              json["model"]["merges"].is_array(),
          "{}: has no model.merges: not a tokenizer of byte pairs", path.string());
  Merges merges;
  for (const Json& entry : json["model"]["merges"]) {
    if (merges.size() == most) break;
    const std::string where = fmt::format("{}: pair {}", path.string(), merges.size());
    if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string())
      merges.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
    else
      merges.push_back(pair_of(entry.is_string() ? entry.get<std::string>() : "", where));
  }
  return merges;
}

}  // namespace

Merges read_merges(const fs::path& path, size_t most) {
  std::error_code error;
  require(fs::is_regular_file(path, error),
          "{}: no such file: the vocabulary of byte pairs (bpe_simple_vocab_16e6.txt.gz of open_clip, or merges.txt)",
          path.string());
  const std::string text = file_text(path);
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') return merges_of_json(text, path, most);
  Merges merges;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);  // the heading
  while (merges.size() < most && std::getline(lines, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    merges.push_back(pair_of(line, fmt::format("{}: line {}", path.string(), merges.size() + 2)));
  }
  require(!merges.empty(), "{}: holds no pairs: not a vocabulary of byte pairs", path.string());
  return merges;
}

void write_merges(const fs::path& path, const Merges& merges) {
  std::string text = "#version: 0.2\n";
  for (const auto& [left, right] : merges) text += left + " " + right + "\n";
  write_file(path, text);
}

}  // namespace gsv3d
