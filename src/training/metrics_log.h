// Collects the numbers of each step and writes their means, as a CSV row and as TensorBoard scalars.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "training/metrics_csv.h"
#include "training/stage.h"
#include "training/tensorboard.h"

namespace gsv3d {

struct StepMetrics {
  double seconds = 0;  ///< training time so far
  double learning_rate = 0, gradient_norm = 0, loss = 0;
  std::vector<double> parts;
};

class MetricsLog {
 public:
  MetricsLog(const std::filesystem::path& folder, const std::vector<std::string>& part_names, int64_t batch, int64_t resumed_step,
             double resumed_seconds);
  /// Adds a step that counts; skipped steps only count for the speed.
  void add(const StepMetrics& metrics);
  void add_skipped();
  /// What was added since the last row, float64 [values], for a checkpoint between two rows; restore() takes it back.
  Tensor pending() const;
  /// Throws Error when it is another stage's.
  void restore(const Tensor& pending);
  /// Writes the means since the last row as the row of this step (count of steps done). Does nothing when there was no step.
  void write_row(int64_t step, double seconds);
  void image(int64_t step, const Preview& preview) { tensorboard_.image(step, preview.name, preview.image); }
  void flush() { tensorboard_.flush(); }

 private:
  std::vector<std::string> columns_;
  MetricsCsv csv_;
  TensorboardWriter tensorboard_;
  int64_t batch_;
  double row_start_seconds_;
  int64_t good_ = 0, skipped_ = 0;
  std::vector<double> sums_;  // learning rate, gradient norm, loss, parts
};

}  // namespace gsv3d
