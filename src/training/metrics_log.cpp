#include "training/metrics_log.h"

#include <algorithm>
#include <cmath>
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
                       int64_t resumed_step, double resumed_seconds, at::Device device)
    : columns_(all_columns(part_names)),
      csv_(folder / "metrics.csv", columns_, resumed_step),
      tensorboard_(folder, resumed_step),
      batch_(batch),
      row_start_seconds_(resumed_seconds),
      sums_(at::zeros({4 + static_cast<int64_t>(part_names.size())}, at::TensorOptions().dtype(at::kDouble).device(device))) {}

void MetricsLog::add(const StepMetrics& metrics) {
  ++steps_;
  std::vector<Tensor> scalars = {metrics.gradient_norm, metrics.loss};
  for (const auto& [name, part] : metrics.parts) scalars.push_back(part);
  for (Tensor& scalar : scalars) scalar = scalar.detach().to(sums_.device(), at::kDouble, /*non_blocking=*/true).reshape({1});
  const Tensor good = metrics.good.to(at::kDouble).reshape({1});
  scalars.insert(scalars.begin(), at::full_like(good, metrics.learning_rate));
  // Not a product: 0 times NaN is NaN.
  const Tensor values = at::where(good > 0, at::cat(scalars), 0);
  sums_.add_(at::cat({good, values}));
}

Tensor MetricsLog::pending() const {
  const Tensor sums = sums_.cpu();
  const double good = sums[0].item<double>();
  const std::vector<double> head = {row_start_seconds_, good, static_cast<double>(steps_) - good};
  return at::cat({at::tensor(head, at::kDouble), sums.narrow(0, 1, sums.size(0) - 1)});
}

void MetricsLog::restore(const Tensor& pending) {
  require(pending.scalar_type() == at::kDouble && pending.dim() == 1 && pending.size(0) == 2 + sums_.size(0),
          "the checkpoint's metrics are another stage's");
  row_start_seconds_ = pending[0].item<double>();
  steps_ = std::llround(pending[1].item<double>() + pending[2].item<double>());
  sums_.narrow(0, 0, 1).copy_(pending.narrow(0, 1, 1));
  sums_.narrow(0, 1, sums_.size(0) - 1).copy_(pending.narrow(0, 3, sums_.size(0) - 1));
}

void MetricsLog::write_row(int64_t step, double seconds) {
  if (steps_ == 0) return;
  const Tensor sums = sums_.cpu();
  const double* sum = sums.const_data_ptr<double>();
  const double good = sum[0], duration = std::max(seconds - row_start_seconds_, 1e-9);
  std::vector<double> values = {seconds, static_cast<double>(batch_ * steps_) / duration, static_cast<double>(steps_) - good};
  for (int64_t i = 1; i < sums.numel(); ++i)
    values.push_back(good > 0 ? sum[i] / good : std::numeric_limits<double>::quiet_NaN());
  csv_.row(step, values);
  for (size_t i = 0; i < values.size(); ++i) tensorboard_.scalar(step, columns_[i + 1], values[i]);
  tensorboard_.flush();
  row_start_seconds_ = seconds;
  steps_ = 0;
  sums_.zero_();
}

}  // namespace gsv3d
