#include "core/csv.h"

#include "core/atomic_file.h"
#include "core/error.h"

namespace gsv3d {
namespace {

/// Takes one record off `text` from `at` on.
std::vector<std::string> take_record(const std::string& text, size_t& at) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += text[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

}  // namespace

std::vector<std::map<std::string, std::string>> read_csv(const std::filesystem::path& path) {
  const std::string text = read_file(path, size_t{256} << 20);
  size_t at = 0;
  const auto header = take_record(text, at);
  std::vector<std::map<std::string, std::string>> rows;
  for (int64_t record = 2; at < text.size(); ++record) {
    const auto fields = take_record(text, at);
    if (fields.size() == 1 && fields[0].empty()) continue;
    require(fields.size() == header.size(), "{}: record {} has {} fields, the header has {}", path.string(), record,
            fields.size(), header.size());
    auto& row = rows.emplace_back();
    for (size_t i = 0; i < header.size(); ++i) row[header[i]] = fields[i];
  }
  return rows;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace gsv3d
