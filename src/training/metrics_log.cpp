#include "training/metrics_log.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace gsv3d {
namespace {

std::vector<std::string> all_columns(const std::vector<std::string>& part_names) {
  std::vector<std::string> columns = {"step",          "seconds", "samples_per_second", "skipped", "learning_rate",
                                      "gradient_norm", "loss"};
  columns.insert(columns.end(), part_names.begin(), part_names.end());
  return columns;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& folder, const std::vector<std::string>& part_names, int64_t batch,
                       int64_t resumed_step, double resumed_seconds)
    : columns_(all_columns(part_names)),
      csv_(folder / "metrics.csv", columns_, resumed_step),
      tensorboard_(folder, resumed_step),
      batch_(batch),
      row_start_seconds_(resumed_seconds),
      sums_(3 + part_names.size(), 0.0) {}

void MetricsLog::add(const StepMetrics& metrics) {
  ++good_;
  sums_[0] += metrics.learning_rate;
  sums_[1] += metrics.gradient_norm;
  sums_[2] += metrics.loss;
  for (size_t i = 0; i < metrics.parts.size(); ++i) sums_.at(3 + i) += metrics.parts[i];
}

void MetricsLog::add_skipped() {
  ++skipped_;
}

Tensor MetricsLog::pending() const {
  std::vector<double> values = {row_start_seconds_, static_cast<double>(good_), static_cast<double>(skipped_)};
  values.insert(values.end(), sums_.begin(), sums_.end());
  return at::tensor(values, at::kDouble);
}

void MetricsLog::restore(const Tensor& pending) {
  require(pending.scalar_type() == at::kDouble && pending.dim() == 1 && pending.size(0) == static_cast<int64_t>(3 + sums_.size()),
          "the checkpoint's metrics are another stage's");
  const Tensor values = pending.contiguous();
  const double* first = values.const_data_ptr<double>();
  row_start_seconds_ = first[0];
  good_ = static_cast<int64_t>(first[1]);
  skipped_ = static_cast<int64_t>(first[2]);
  std::copy_n(first + 3, sums_.size(), sums_.begin());
}

void MetricsLog::write_row(int64_t step, double seconds) {
  if (good_ + skipped_ == 0) return;
  const double duration = std::max(seconds - row_start_seconds_, 1e-9);
  std::vector<double> values = {seconds, static_cast<double>(batch_ * (good_ + skipped_)) / duration,
                                static_cast<double>(skipped_)};
  for (const double sum : sums_)
    values.push_back(good_ > 0 ? sum / static_cast<double>(good_) : std::numeric_limits<double>::quiet_NaN());
  csv_.row(step, values);
  for (size_t i = 0; i < values.size(); ++i) tensorboard_.scalar(step, columns_[i + 1], values[i]);
  tensorboard_.flush();
  row_start_seconds_ = seconds;
  good_ = skipped_ = 0;
  std::fill(sums_.begin(), sums_.end(), 0.0);
}

}  // namespace gsv3d
