// The settings that every training stage shares; each stage's config adds its own keys in the same JSON object.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/settings.h"

namespace gsv3d {

/// What numbers make sense, for the lines of fields(): check_settings() names the key of one that does not.
namespace allowed {

inline Setting at_least(double low) {
  return {.low = low, .option = false};
}
inline Setting between(double low, double high) {
  return {.low = low, .high = high, .option = false};
}
inline Setting share() {
  return between(0, 1);
}  ///< probabilities, and parts of a whole
inline Setting weight() {
  return between(0, 1e6);
}  ///< of a loss
inline Setting one_of(std::vector<std::string> choices) {
  return {.choices = std::move(choices), .option = false};
}

}  // namespace allowed

/// A file of the model folder that a run writes.
struct TrainedFile {
  std::string name;
  bool goes_on = false;  ///< the run begins with the weights that are there
};

struct TrainerConfig {
  int64_t steps = 10000;
  int64_t batch = 8;                  ///< items at a time, of all processes together: images (vae) or clips of N views
  int64_t accumulate = 1;             ///< so many batches make a step: their gradients are averaged
  double learning_rate = 1e-3;        ///< peak; cosine down to final_learning_rate · peak after a linear warm-up
  double final_learning_rate = 0.02;  ///< share of the peak at the end
  int64_t warmup_steps = 100;
  double weight_decay = 0.01;  ///< decoupled (AdamW), on matrices and kernels only, not on biases, norms and tables of one axis
  double beta1 = 0.9, beta2 = 0.99, eps = 1e-8;
  double gradient_clip = 1;  ///< global L2 norm; 0: off
  double ema_decay = 0.999;  ///< reached by a warm-up: min(ema_decay, (1 + s) / (10 + s))
  double checkpoint_minutes = 3, preview_minutes = 9;
  int64_t log_steps = 50;                  ///< a metrics row holds the means over this many steps
  std::string initial_weights = "random";  ///< random | model_folder: start from the weights that the model folder already has
  bool goes_on() const { return initial_weights == "model_folder"; }
  int64_t items_per_step() const { return batch * accumulate; }
  template <class Visitor>
  void fields(Visitor& visit) {
    visit("steps", steps, allowed::at_least(1)), visit("batch", batch, allowed::at_least(1)),
        visit("accumulate", accumulate, allowed::at_least(1));
    visit("learning_rate", learning_rate, allowed::between(1e-12, 100)),
        visit("final_learning_rate", final_learning_rate, allowed::share());
    visit("warmup_steps", warmup_steps, allowed::at_least(0)), visit("weight_decay", weight_decay, allowed::between(0, 1e3));
    visit("beta1", beta1, allowed::between(0, 0.999999)), visit("beta2", beta2, allowed::between(0, 0.999999)),
        visit("eps", eps, allowed::between(0, 1));
    visit("gradient_clip", gradient_clip, allowed::at_least(0)), visit("ema_decay", ema_decay, allowed::between(0, 0.9999999));
    visit("checkpoint_minutes", checkpoint_minutes, allowed::at_least(1e-6)),
        visit("preview_minutes", preview_minutes, allowed::at_least(0));
    visit("log_steps", log_steps, allowed::at_least(1)),
        visit("initial_weights", initial_weights, allowed::one_of({"random", "model_folder"}));
  }
};

/// Learning rate of a step: cosine over `fraction` (0-1, the share of the training that is done) after a linear warm-up over
/// steps.
double scheduled_learning_rate(const TrainerConfig& config, int64_t step, double fraction);

}  // namespace gsv3d
