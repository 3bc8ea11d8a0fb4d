#include "core/metrics_csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "core/atomic_file.h"
#include "core/error.h"

namespace gsv3d {
namespace {

/// The header and the rows up to `last_step`, whole lines only.
std::string kept_rows(const std::string& content, int64_t last_step) {
  std::string kept;
  size_t begin = 0;
  for (size_t end; (end = content.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = content.substr(begin, end + 1 - begin);
    int64_t step = 0;
    if (!kept.empty() && (std::from_chars(line.data(), line.data() + line.size(), step).ec != std::errc() || step > last_step))
      break;
    kept += line;
  }
  return kept;
}

}  // namespace

MetricsCsv::MetricsCsv(std::filesystem::path path, std::vector<std::string> columns, int64_t last_step)
    : path_(std::move(path)), columns_(columns.size()) {
  const std::string header = fmt::format("{}\n", fmt::join(columns, ","));
  std::string content = header;
  if (last_step > 0 && std::filesystem::exists(path_)) {
    const std::string kept = kept_rows(read_file(path_), last_step);
    require(kept.empty() || kept.starts_with(header), "{}: has other columns than this program writes; move it away",
            path_.string());
    if (!kept.empty()) content = kept;
  }
  write_file(path_, content);
  file_ = std::fopen(path_.c_str(), "ab");
  require(file_ != nullptr, "{}: cannot be written", path_.string());
}

MetricsCsv::~MetricsCsv() {
  std::fclose(file_);
}

void MetricsCsv::row(int64_t step, const std::vector<double>& values) {
  require(values.size() + 1 == columns_, "{}: a row of {} values for {} columns", path_.string(), values.size() + 1, columns_);
  std::string line = std::to_string(step);
  for (const double value : values) line += fmt::format(",{:.6g}", value);
  line += '\n';
  require(std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0,
          "{}: writing failed (disk full?)", path_.string());
}

}  // namespace gsv3d
