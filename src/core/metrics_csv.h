// A CSV table that grows while something runs: one row of numbers per logged step.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace gsv3d {

class MetricsCsv {
 public:
  /// Opens the file for rows after `last_step`: later rows (of a session that was killed after its checkpoint) and a half-written
  /// last line are dropped. last_step 0 starts a new file. The first column must be "step". Throws Error when an existing file
  /// has other columns.
  MetricsCsv(std::filesystem::path path, std::vector<std::string> columns, int64_t last_step);
  ~MetricsCsv();
  MetricsCsv(const MetricsCsv&) = delete;
  MetricsCsv& operator=(const MetricsCsv&) = delete;

  /// Appends a row and flushes it. Throws Error when the disk is full.
  void row(int64_t step, const std::vector<double>& values);

 private:
  std::filesystem::path path_;
  size_t columns_;
  std::FILE* file_ = nullptr;
};

}  // namespace gsv3d
