#include "training/trainer_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace gsv3d {

void check_trainer_config(const TrainerConfig& config, const std::string& where) {
  const auto check = [&](bool good, const char* key, const char* rule) { require(good, "{}: {} must be {}", where, key, rule); };
  check(config.steps > 0, "steps", "positive");
  check(config.batch > 0, "batch", "positive");
  check(config.learning_rate > 0, "learning_rate", "positive");
  check(config.final_learning_rate >= 0 && config.final_learning_rate <= 1, "final_learning_rate", "between 0 and 1");
  check(config.warmup_steps >= 0, "warmup_steps", "zero or more");
  check(config.weight_decay >= 0, "weight_decay", "zero or more");
  check(config.beta1 >= 0 && config.beta1 < 1 && config.beta2 >= 0 && config.beta2 < 1, "beta1, beta2", "in [0, 1)");
  check(config.ema_decay >= 0 && config.ema_decay < 1, "ema_decay", "in [0, 1)");
  check(config.gradient_clip >= 0, "gradient_clip", "zero or more");
  check(config.checkpoint_minutes > 0 && config.preview_minutes >= 0, "checkpoint_minutes, preview_minutes", "positive");
  check(config.log_steps > 0, "log_steps", "positive");
  check(config.initial_weights == "random" || config.initial_weights == "model_folder", "initial_weights",
        "random or model_folder");
}

double scheduled_learning_rate(const TrainerConfig& config, int64_t step, double fraction) {
  const double done = std::clamp(fraction, 0.0, 1.0);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * done));
  const double warmup =
      config.warmup_steps > 0 ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps)) : 1;
  return config.learning_rate * warmup * (config.final_learning_rate + (1 - config.final_learning_rate) * cosine);
}

}  // namespace gsv3d
