#include "training/trainer_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gsv3d {

double scheduled_learning_rate(const TrainerConfig& config, int64_t step, double fraction) {
  const double done = std::clamp(fraction, 0.0, 1.0);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * done));
  const double warmup =
      config.warmup_steps > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps)) : 1;
  return config.learning_rate * warmup * (config.final_learning_rate + (1 - config.final_learning_rate) * cosine);
}

}  // namespace gsv3d
