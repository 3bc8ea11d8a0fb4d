#include "text/noise_schedule.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace gsv3d {
namespace {

/// Shifts and scales sqrt(a_t) so that its end is 0 and its beginning stays (arXiv 2305.08891, Algorithm 1).
Tensor with_zero_terminal_snr(const Tensor& alphas) {
  const Tensor roots = alphas.sqrt(), first = roots[0], last = roots[-1];
  // As the public code has it: from the rescaled betas, again a product.
  const Tensor bars = ((roots - last) * (first / (first - last))).square();
  const Tensor ratios = at::cat({bars.slice(0, 0, 1), bars.slice(0, 1) / bars.slice(0, 0, -1)});
  const Tensor betas = 1 - ratios;
  return (1 - betas).cumprod(0);
}

}  // namespace

Tensor alphas_cumprod(const NoiseScheduleConfig& config) {
  const Tensor roots =
      at::linspace(std::sqrt(config.beta_start), std::sqrt(config.beta_end), config.train_steps, at::TensorOptions(at::kFloat));
  const Tensor alphas = (1 - roots.square()).cumprod(0);
  return config.zero_terminal_snr ? with_zero_terminal_snr(alphas) : alphas;
}

std::vector<double> spaced_timesteps(int64_t train_steps, int64_t steps, const std::string& spacing, int64_t steps_offset) {
  if (steps < 1 || steps > train_steps) throw UsageError(fmt::format("steps = {} is outside 1 … {}", steps, train_steps));
  std::vector<double> timesteps;
  const double last = static_cast<double>(train_steps - 1), count = static_cast<double>(steps);
  for (int64_t i = steps - 1; i >= 0; --i) {
    const double index = static_cast<double>(i);
    if (spacing == "leading")
      timesteps.push_back(std::min(static_cast<double>(i * (train_steps / steps) + steps_offset), last));
    else if (spacing == "trailing")
      timesteps.push_back(std::nearbyint((index + 1) * static_cast<double>(train_steps) / count) - 1);
    else
      timesteps.push_back(steps == 1 ? 0 : index * last / (count - 1));
  }
  return timesteps;
}

}  // namespace gsv3d
