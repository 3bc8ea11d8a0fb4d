#include "evaluation/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/dice.h"
#include "core/error.h"

namespace gsv3d {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
constexpr size_t bootstrap_samples = 2000;
constexpr uint64_t bootstrap_seed = 1;

std::vector<double> numbers_of(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  return values;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Of sorted values, linear between neighbours.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[std::min(below + 1, sorted.size() - 1)] - sorted[below]);
}

}  // namespace

MeanAndError mean_and_error(const std::vector<double>& values) {
  const std::vector<double> numbers = numbers_of(values);
  if (numbers.empty()) return {nothing, nothing};
  const double mean = mean_of(numbers), count = static_cast<double>(numbers.size());
  if (numbers.size() < 2) return {mean, nothing};
  double squares = 0;
  for (const double value : numbers) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count * (count - 1)))};
}

Interval bootstrap_interval(const std::vector<double>& values) {
  const std::vector<double> numbers = numbers_of(values);
  if (numbers.size() < 2) return {nothing, nothing};
  Dice dice(bootstrap_seed);
  std::vector<double> means(bootstrap_samples), drawn(numbers.size());
  for (double& mean : means) {
    for (double& value : drawn) value = dice.one_of(numbers);
    mean = mean_of(drawn);
  }
  std::sort(means.begin(), means.end());
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

PairedDifference paired_difference(const std::vector<double>& values, const std::vector<double>& reference) {
  require(values.size() == reference.size(), "paired difference: {} values against {}", values.size(), reference.size());
  std::vector<double> differences;
  for (size_t i = 0; i < values.size(); ++i) differences.push_back(values[i] - reference[i]);
  differences = numbers_of(std::move(differences));
  return {static_cast<int64_t>(differences.size()), mean_and_error(differences), bootstrap_interval(differences)};
}

std::string difference_text(const PairedDifference& difference, int digits) {
  const auto& [objects, over, interval] = difference;
  if (objects == 0) return "–";
  if (objects < 2) return fmt::format("{:+.{}f}", over.mean, digits);
  return fmt::format("{:+.{}f} ± {:.{}f} [{:+.{}f}, {:+.{}f}]", over.mean, digits, over.standard_error, digits, interval.low,
                     digits, interval.high, digits);
}

}  // namespace gsv3d
