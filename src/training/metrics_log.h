// Collects the numbers of each step and writes their means, as a CSV row and as TensorBoard scalars. Sums are kept where the loss
// is and read when a row is due: a step on a GPU is not waited for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/metrics_csv.h"
#include "core/tensor.h"
#include "core/tensorboard.h"
#include "training/stage.h"

namespace gsv3d {

struct StepMetrics {
  double learning_rate = 0;
  Tensor good;  ///< scalars on the device: 1, or 0 for a step that was left out, which only counts for the speed
  Tensor gradient_norm, loss;
  std::vector<std::pair<std::string, Tensor>> parts;
};

class MetricsLog {
 public:
  MetricsLog(const std::filesystem::path& folder, const std::vector<std::string>& part_names, int64_t batch, int64_t resumed_step,
             double resumed_seconds, at::Device device);
  void add(const StepMetrics& metrics);
  /// What was added since the last row, float64 [values], for a checkpoint between two rows; restore() takes it back.
  Tensor pending() const;
  /// Throws Error when it is another stage's.
  void restore(const Tensor& pending);
  /// Writes the means since the last row as the row of this step (count of steps done). Does nothing when there was no step.
  void write_row(int64_t step, double seconds);
  void image(int64_t step, const Preview& preview) {
    tensorboard_.image(step, preview.name, {encode_png(preview.image), preview.image.width, preview.image.height});
  }
  void flush() { tensorboard_.flush(); }

 private:
  std::vector<std::string> columns_;
  MetricsCsv csv_;
  TensorboardWriter tensorboard_;
  int64_t batch_;
  double row_start_seconds_;
  int64_t steps_ = 0;  // since the last row
  Tensor sums_;        // float64 on the device: good steps; of those: learning rate, gradient norm, loss, parts
};

}  // namespace gsv3d
